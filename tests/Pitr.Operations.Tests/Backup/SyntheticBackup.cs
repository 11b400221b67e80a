using System.Buffers.Binary;
using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Services;
using Pitr.Postgres.Sessions;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Backup;

/// <summary>A base backup from a tar made in memory, through everything a real one goes through but the server.</summary>
static class SyntheticBackup
{
    /// <summary>Where these backups begin unless a test says otherwise.</summary>
    public static readonly Lsn Start = new(0x2000028);

    const int PagesPerFile = 131072;

    public static readonly DateTimeOffset Modified = new(2026, 11, 20, 17, 4, 5, TimeSpan.Zero);

    public static readonly ServerFacts Facts = new(
        150018, WalSample.SystemIdentifier, new Timeline(1), WalSegmentSize.Default, 8192, true, false, null, Scenario.Start, new Lsn(0x2000028), Scenario.Start);

    /// <summary>The same cluster to whoever reads its pages: they are noise here, with no checksum in it.</summary>
    public static readonly ServerFacts Noise = Facts with { DataChecksums = false };

    /// <summary>What pg_basebackup sends around the files: backup_label first, pg_control last.</summary>
    public static SyntheticFile[] Around(params SyntheticFile[] files) => Around(Start, files);

    /// <summary>The same of a backup that begins elsewhere.</summary>
    public static SyntheticFile[] Around(Lsn start, params SyntheticFile[] files) =>
    [
        SyntheticFile.File("backup_label", Encoding.ASCII.GetBytes(
            $"START WAL LOCATION: {start} (file {WalSegmentName.FromLsn(new Timeline(1), start, WalSegmentSize.Default)})\nCHECKPOINT LOCATION: {start + 0x38}\nBACKUP METHOD: streamed\n"
            + "BACKUP FROM: primary\nSTART TIME: 2026-11-21 03:00:00 UTC\nLABEL: pitr\nSTART TIMELINE: 1\n")),
        SyntheticFile.Directory("global"),
        .. files,
        SyntheticFile.File("global/pg_control", WalSample.Golden("pg_control-15")),
    ];

    public static byte[] Tar(params SyntheticFile[] files)
    {
        using var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var file in files)
            {
                var entry = new UstarTarEntry(file.Kind, file.Path) { Mode = file.Mode, ModificationTime = file.Modified };
                if (file.Kind == TarEntryType.RegularFile)
                {
                    entry.DataStream = new MemoryStream(file.Content);
                }

                writer.WriteEntry(entry);
            }
        }

        return stream.ToArray();
    }

    /// <summary>Reads a tar into an assembly, every page of it.</summary>
    public static TarBackupReader Reader(BackupAssembly assembly, Stream manifest, DataKey key) =>
        new(new BackupTarget(assembly, manifest, null, key, (_, _, _) => Task.FromResult(new BackupBases(null, null))), PagesPerFile);

    /// <summary>A page of noise with a position. Not marked all-visible: without checksums such a page may have been marked without moving its position.</summary>
    public static byte[] Page(ulong lsn, int seed)
    {
        var page = SyntheticFile.Noise(Facts.PageSize, seed);
        BinaryPrimitives.WriteUInt32LittleEndian(page, (uint)(lsn >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(4), (uint)lsn);
        page[10] &= 0xFB;
        return page;
    }

    /// <summary>The databases of the cluster that is backed up.</summary>
    public static readonly Dictionary<string, string> Databases = new(StringComparer.Ordinal) { ["5"] = "731", ["6"] = "800" };

    /// <summary>Takes it, on top of what interrupted ones have left; the journal of one that fails stays.</summary>
    public static async Task<BackupDocument> TakeAsync(
        PostgresService service, byte[] tar, DateTimeOffset? started = null, BackupBase? basis = null, ServerFacts? facts = null, IReadOnlyDictionary<string, string>? databases = null)
    {
        var id = new BackupId(started ?? Scenario.Start);
        var key = await service.SealingKeys.GetAsync(default);
        var journals = new JournalDirectory(service);
        using var journal = new BackupJournal(journals.PathOf(id), service.Log);
        await using var pipeline = new PackPipeline(service, id, key, service.Settings.Backup.Jobs, default) { Journal = journal };
        using var manifest = new MemoryStream();
        using var assembly = new BackupAssembly(service.Name, id, (facts ?? Facts) with { DataChecksums = false }, pipeline);
        var cache = new ManifestCache(service);
        await using var plain = cache.TryCreate();
        InterruptedBackups? interrupted = null;
        using var disposing = new Disposing(() => interrupted?.Dispose());
        var reading = new TarBackupReader(new BackupTarget(assembly, manifest, plain, key, async (start, _, token) =>
        {
            interrupted = await new InterruptedBackupFinder(service).FindAsync(facts ?? Facts, start, databases ?? Databases, basis, token);
            journal.Begin(JournalHeader.Of(id, facts ?? Facts, start, databases ?? Databases, key.Id));
            return new BackupBases(basis, interrupted);
        }), PagesPerFile);
        await reading.ReadAsync(new MemoryStream(tar), default);
        var packs = await pipeline.CompleteAsync();
        assembly.Complete(packs);
        var manifestKey = RepositoryLayout.Manifest(service.Name, id);
        var bytes = manifest.ToArray();
        await service.Repositories.PutAsync(manifestKey, bytes, PutMode.Replace, default);
        var content = assembly.ToContent(packs, new StoredObject(manifestKey, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes))), key.Id.ToString());
        var document = new BackupDocument
        {
            Id = id.ToString(),
            Service = service.Name.ToString(),
            Method = "stream",
            Host = "here",
            PitrVersion = "0",
            Started = id.Start,
            Finished = id.Start,
            StopTime = id.Start,
            Label = reading.Label.Label,
            StartLsn = reading.Label.StartLsn,
            StopLsn = reading.Label.StartLsn,
            StartWal = reading.Label.StartWal.ToString(),
            StopWal = reading.Label.StartWal.ToString(),
            Timeline = 1,
            SystemIdentifier = $"{WalSample.SystemIdentifier}",
            PostgresVersion = 150018,
            WalSegmentSize = 16 << 20,
            PageSize = 8192,
            ChecksumVersion = reading.ControlFile.ChecksumVersion,
            DatabaseBytes = content.Bytes,
            StoredBytes = content.Packs.Sum(p => p.Size) + content.Manifest.Size,
            Files = content.Files,
            Manifest = content.Manifest,
            Packs = content.Packs,
            DataKeys = [content.DataKey],
            Resumed = content.Resumed,
            OlderPacks = content.OlderPacks,
            Base = basis?.Document.Id,
            Databases = databases ?? Databases,
        };
        await new BackupEntry(service).PutAsync(document, default);
        cache.Keep(plain!.Name, document);
        journals.Clear();
        return document;
    }

    /// <summary>Changes the text of a stored manifest and seals it again, as only a holder of the key could.</summary>
    public static async Task RewriteManifestAsync(PostgresService service, BackupDocument backup, Func<string, string> change)
    {
        var stored = await service.Repositories.Stores[0].ReadAllAsync(backup.Manifest.Key, default);
        var key = await service.SealingKeys.GetAsync(default);
        var text = Encoding.UTF8.GetString(SealedObject.Open(stored, key));
        var changed = change(text);
        Assert.NotEqual(text, changed);
        var header = SealedObjectHeader.Create(SealedObjectKind.Manifest, SealedObjectCodec.Zstd, key.Id);
        await service.Repositories.PutAsync(backup.Manifest.Key, SealedObject.Seal(Encoding.UTF8.GetBytes(changed), key, header), PutMode.Replace, default);
    }
}

/// <summary>Does something at the end, however that comes.</summary>
sealed class Disposing(Action end) : IDisposable
{
    public void Dispose() => end();
}

/// <summary>One entry of the tar.</summary>
sealed record SyntheticFile(string Path, TarEntryType Kind, byte[] Content, UnixFileMode Mode, DateTimeOffset Modified)
{
    const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static SyntheticFile File(string path, byte[] content, UnixFileMode mode = FileMode) =>
        new(path, TarEntryType.RegularFile, content, mode, SyntheticBackup.Modified);

    public static SyntheticFile Directory(string path, UnixFileMode mode = FileMode | UnixFileMode.UserExecute) =>
        new(path, TarEntryType.Directory, [], mode, SyntheticBackup.Modified);

    /// <summary>Bytes that only this seed gives and that do not compress.</summary>
    public static byte[] Noise(int length, int seed)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        return content;
    }
}
