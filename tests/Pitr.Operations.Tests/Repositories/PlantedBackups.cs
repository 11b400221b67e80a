using System.Security.Cryptography;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Repositories;

/// <summary>
/// Backups that consist of what counts for copying, counting and deleting them: entries, manifests and packs of a few bytes that nobody opens.
/// </summary>
static class PlantedBackups
{
    public static readonly ServiceName Service = ServiceName.Parse(Scenario.ServiceName);

    public static BackupId Id(int hour) => new(Scenario.Start.AddHours(hour));

    public static string Entry(int hour) => RepositoryLayout.Backup(Service, Id(hour));

    public static string Manifest(int hour) => RepositoryLayout.Manifest(Service, Id(hour));

    public static string Pack(int hour, int number) => RepositoryLayout.Pack(Service, Id(hour), number);

    /// <summary>The bytes of a pack or manifest: a header as its place asks for, and so many that two packs of a backup differ in size.</summary>
    public static byte[] Content(string key)
    {
        var kind = RepositoryKey.Parse(key).Kind == RepositoryKeyKind.Pack ? SealedObjectKind.Pack : SealedObjectKind.Manifest;
        var header = new SealedObjectHeader { Kind = kind, Codec = SealedObjectCodec.Zstd, KeyId = default, Salt = SHA256.HashData(Encoding.UTF8.GetBytes(key)) };
        var content = new byte[200 + key[^1]];
        header.Write(content);
        return content;
    }

    /// <summary>The entry of a backup of that hour.</summary>
    /// <param name="hour">When it was taken.</param>
    /// <param name="own">How many packs it wrote.</param>
    /// <param name="older">Packs of other backups that it uses.</param>
    /// <param name="used">How many of the 1000 bytes of content it uses of each of those.</param>
    /// <param name="pinned">Why it must stay.</param>
    public static BackupDocument Document(int hour, int own, IEnumerable<string>? older = null, long used = 500, string? pinned = null)
    {
        var started = Scenario.Start.AddHours(hour);
        return new BackupDocument
        {
            Id = Id(hour).ToString(),
            Service = Scenario.ServiceName,
            Method = "direct",
            Host = "here",
            PitrVersion = "0",
            Started = started,
            Finished = started.AddMinutes(1),
            StopTime = started.AddSeconds(5),
            Label = $"pitr {Id(hour)}",
            StartLsn = new Lsn(0x2000028),
            StopLsn = new Lsn(0x2000138),
            StartWal = "000000010000000000000002",
            StopWal = "000000010000000000000002",
            Timeline = 1,
            SystemIdentifier = $"{WalSample.SystemIdentifier}",
            PostgresVersion = 150018,
            WalSegmentSize = 16 << 20,
            PageSize = 8192,
            ChecksumVersion = 1,
            DatabaseBytes = 1000,
            StoredBytes = 100 * own,
            Files = 3,
            Manifest = Stored(Manifest(hour)),
            Packs = [.. Enumerable.Range(0, own).Select(number => Stored(Pack(hour, number)))],
            OlderPacks = [.. (older ?? []).Select(key => new UsedPack(key, Content(key).Length, Stored(key).Sha256, 1000, used))],
            DataKeys = [],
            Pinned = pinned,
        };
    }

    /// <summary>Puts what a backup wrote, its entry last.</summary>
    public static async Task PutAsync(IObjectStore store, BackupDocument document)
    {
        await PutPartsAsync(store, document);
        await store.PutAsync(RepositoryLayout.Backup(Service, BackupId.Parse(document.Id)), document.ToJson(), PutMode.CreateNew, default);
    }

    /// <summary>Puts what a backup wrote before its entry: what one that was interrupted leaves behind.</summary>
    public static async Task PutPartsAsync(IObjectStore store, BackupDocument document)
    {
        foreach (var item in document.Packs.Append(document.Manifest))
        {
            await store.PutAsync(item.Key, Content(item.Key), PutMode.Replace, default);
        }
    }

    static StoredObject Stored(string key) => new(key, Content(key).Length, Convert.ToHexStringLower(SHA256.HashData(Content(key))));
}
