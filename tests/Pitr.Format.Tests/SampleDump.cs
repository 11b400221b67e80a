using System.Security.Cryptography;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;

namespace Pitr.Format.Tests;

/// <summary>A dump of two streams in a sample repository, the first in two parts.</summary>
static class SampleDump
{
    public const string Id = "20261122T031500Z";

    public static readonly byte[] Orders = [.. Samples.Compressible(60_000), .. Samples.Incompressible(70_000)];

    public static readonly byte[] Globals = "CREATE ROLE clerk;\n"u8.ToArray();

    public static string KeyOf(string name) => $"{RepositoryLayout.DumpPrefix(Samples.Service, BackupId.Parse(Id))}{name}";

    /// <summary>Writes it.</summary>
    public static void Write(string root, DataKey key)
    {
        StoredObject[] parts =
        [
            Put(root, "000000", Seal(key, SealedObjectKind.Stream, Globals)),
            Put(root, "000001", Seal(key, SealedObjectKind.Stream, Orders[..70_000])),
            Put(root, "000002", Seal(key, SealedObjectKind.Stream, Orders[70_000..])),
        ];
        DumpStreamRecord[] streams =
        [
            new("globals.sql", "sql", Globals.Length, Sha256(Globals), 0, 1),
            new("orders ü.dump", "pg_dump-custom", Orders.Length, Sha256(Orders), 1, 2) { Database = "orders ü", Properties = new Dictionary<string, string> { ["encoding"] = "UTF8" } },
        ];
        var manifest = new DumpManifest
        {
            Id = Id, Service = Samples.Service.Value, Kind = "postgres-dump", Product = "PostgreSQL", ServerVersion = "15.13", Streams = streams, Parts = parts,
        };
        var stored = Put(root, "manifest", Seal(key, SealedObjectKind.Manifest, manifest.ToJson()));
        var lines = streams.Select(s => $"# {s.Sha256}  {s.Name} ({s.Format})").Concat(parts.Append(stored).Select(item => $"{item.Sha256}  {item.Key.Split('/')[^1]}"));
        var sums = Put(root, "SHA256SUMS", Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))));
        Put(root, "dump.json", new DumpDocument
        {
            Id = Id,
            Service = Samples.Service.Value,
            Kind = manifest.Kind,
            Host = "here",
            PitrVersion = "0",
            Started = Samples.Time,
            Finished = Samples.Time.AddMinutes(1),
            Tool = "pg_dump 15.13",
            Product = manifest.Product,
            ServerVersion = manifest.ServerVersion,
            Bytes = streams.Sum(s => s.Bytes),
            StoredBytes = parts.Append(stored).Append(sums).Sum(item => item.Size),
            Streams = streams,
            Parts = parts,
            Manifest = stored,
            Sums = sums,
            DataKeys = [key.Id.ToString()],
            Pinned = "audit",
        }.ToJson());
    }

    static byte[] Seal(DataKey key, SealedObjectKind kind, byte[] content) =>
        SealedObject.Seal(content, key, SealedObjectHeader.Create(kind, SealedObjectCodec.Zstd, key.Id, content.Length));

    static StoredObject Put(string root, string name, byte[] content)
    {
        var path = Path.Combine(root, KeyOf(name));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return new StoredObject(KeyOf(name), content.Length, Sha256(content));
    }

    static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
