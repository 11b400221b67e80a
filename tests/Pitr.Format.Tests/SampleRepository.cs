using System.Security.Cryptography;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;
using Pitr.Format.Tests.Catalog;
using Pitr.Format.Tests.Manifests;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests;

/// <summary>A small repository with one of everything, written into a directory: fresh for the reader's test, and once as golden files.</summary>
static class SampleRepository
{
    public const string Passphrase = "correct horse battery staple";

    public static readonly byte[] History = "1\t0/5000A28\tno recovery target specified\n"u8.ToArray();

    public static readonly byte[] Segment = [.. Samples.Compressible(60_000), .. Samples.Incompressible(70_000)];

    public static readonly byte[] FirstPiece = Samples.Compressible(16_384);

    public static readonly byte[] SecondPiece = Samples.Incompressible(3000);

    /// <summary>Content of base/5/16384: half of the first piece, a page of zeros, the second piece.</summary>
    public static readonly byte[] File = [.. FirstPiece.AsSpan(8192), .. new byte[8192], .. SecondPiece];

    public const string DumpKey = "services/main/dumps/20261121T031500Z/stream";

    public static readonly WalFileName HistoryName = WalFileName.Parse("00000002.history");

    public static void Write(string root, DataKey key, Identity identity)
    {
        var document = KeyDocument.Wrap(key, [identity.Recipient], Passphrase).ToJson();
        Put(root, RepositoryLayout.Repository, DocumentTests.Repository.ToJson());
        Put(root, RepositoryLayout.DataKey(key.Id), document);
        Put(root, RepositoryLayout.ServiceDataKey(Samples.Service, key.Id), document);
        Put(root, RepositoryLayout.ServiceDocument(Samples.Service), DocumentTests.Service.ToJson());
        PutWal(root, key, Samples.Segment, Segment, SealedObjectCodec.Zstd);
        PutWal(root, key, HistoryName, History, SealedObjectCodec.None);
        PutBackup(root, key);
    }

    static void PutWal(string root, DataKey key, WalFileName name, byte[] content, SealedObjectCodec codec)
    {
        var header = SealedObjectHeader.Create(
            SealedObjectKind.Wal,
            codec,
            key.Id,
            fingerprint: WalFingerprint.Compute(Samples.SystemIdentifier, name, content),
            firstCommit: 848_459_700_000_000,
            lastCommit: 848_459_701_234_567);
        Put(root, RepositoryLayout.Wal(Samples.Service, name), SealedObject.Seal(content, key, header));
    }

    static void PutBackup(string root, DataKey key)
    {
        using var packWriter = new PackWriter(key);
        var first = packWriter.Add(FirstPiece);
        var second = packWriter.Add(SecondPiece);
        var pack = packWriter.Finish().ToArray();
        Put(root, RepositoryLayout.Pack(Samples.Service, Samples.Backup, 0), pack);

        var manifest = new MemoryStream();
        using (var stream = new SealedObjectWriter(manifest, key, SealedObjectHeader.Create(SealedObjectKind.Manifest, SealedObjectCodec.Zstd, key.Id)))
        {
            using var writer = new ManifestWriter(stream);
            writer.WriteHeader(ManifestTests.Header);
            writer.WriteEntry(ManifestTests.Directory("base"));
            writer.WriteEntry(ManifestTests.Directory("base/5"));
            writer.WriteEntry(new ManifestEntry
            {
                Path = "base/5/16384",
                Kind = ManifestEntryKind.File,
                Size = File.Length,
                Mode = 0x180,
                Modified = Samples.Time,
                Runs =
                [
                    new ManifestRun(8192, 0, first.Index, first.Offset, first.StoredLength, 8192),
                    ManifestRun.Zeros(8192),
                    new ManifestRun(3000, 0, second.Index, second.Offset, second.StoredLength, 0),
                ],
            });
            writer.WriteEntry(new ManifestEntry
            {
                Path = "pg_tblspc/16385",
                Kind = ManifestEntryKind.Link,
                Mode = 0x1FF,
                Modified = Samples.Time,
                Target = "/srv/tablespace ü",
            });
            writer.WritePack(new ManifestPack(0, Samples.Backup.ToString(), 0, pack.Length, Convert.ToHexStringLower(SHA256.HashData(pack))));
            writer.Complete();
            stream.Complete();
        }

        Put(root, RepositoryLayout.Manifest(Samples.Service, Samples.Backup), manifest.ToArray());
        Put(root, RepositoryLayout.Backup(Samples.Service, Samples.Backup), DocumentTests.Backup.ToJson());
        PutDump(root, key);
    }

    // Of unknown length and in small chunks, as nothing else here is.
    static void PutDump(string root, DataKey key)
    {
        var dump = new MemoryStream();
        var header = SealedObjectHeader.Create(SealedObjectKind.Stream, SealedObjectCodec.Zstd, key.Id, chunkSizeLog2: 10);
        using (var stream = new SealedObjectWriter(dump, key, header))
        {
            stream.Write(Segment);
            stream.Complete();
        }

        Put(root, DumpKey, dump.ToArray());
    }

    static void Put(string root, string key, byte[] content)
    {
        var path = Path.Combine(root, key);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllBytes(path, content);
    }
}
