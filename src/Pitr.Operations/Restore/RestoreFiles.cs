using System.Buffers;
using System.Security.Cryptography;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Restore;

/// <summary>
/// Writes the files of a backup: reads the manifest, turns it round into "which record goes where" per pack, and fetches each pack
/// once, several at a time. pg_control is written after everything else is durable, so a directory with it is whole.
/// </summary>
public sealed class RestoreFiles(PostgresService service)
{
    const string ControlFilePath = "global/pg_control";
    const string PackHint = "the backup cannot be restored from here; choose another with --backup, or bring the object back from a copy";

    /// <summary>Fills a directory.</summary>
    /// <param name="backup">What to restore.</param>
    /// <param name="directory">Where to, prepared.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Ends the work; the directory stays marked as incomplete.</param>
    /// <exception cref="DamagedRepositoryException">A stored object is damaged; the message names it.</exception>
    public async Task RestoreAsync(BackupDocument backup, RestoreDirectory directory, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var work = await ReadManifestAsync(backup, directory, cancellation);
        var written = 0L;
        await Parallel.ForEachAsync(
            work.Packs.Values,
            new ParallelOptions { MaxDegreeOfParallelism = service.Settings.Backup.Jobs, CancellationToken = cancellation },
            async (pack, token) => await RestorePackAsync(pack, bytes => progress?.Report(
                new RestoreProgress("restoring files", Interlocked.Add(ref written, bytes), backup.DatabaseBytes)), token));

        progress?.Report(new RestoreProgress("making files durable", backup.DatabaseBytes, backup.DatabaseBytes));
        LibC.SyncFileSystem(directory.Root);
        WriteControlFile(work, directory);
    }

    async Task<RestoreWork> ReadManifestAsync(BackupDocument backup, RestoreDirectory directory, CancellationToken cancellation)
    {
        Exception? failure = null;
        // One after the other, because reading a manifest makes its directories and empty files.
        foreach (var store in service.Repositories.InReadOrder)
        {
            try
            {
                return await ReadManifestAsync(store, backup, directory, cancellation);
            }
            catch (Exception e) when (IsOfOneCopy(e))
            {
                service.Log.Warning("repository {Repository} did not give {Key}: {Reason}", store.Name, backup.Manifest.Key, e.Message);
                failure = Worse(failure, e);
                directory.Clear();
            }
        }

        throw Explain(failure!, backup.Manifest.Key, $"backup {backup.Id} cannot be restored from here; choose another with --backup, or bring the object back from a copy");
    }

    async Task<RestoreWork> ReadManifestAsync(IObjectStore store, BackupDocument backup, RestoreDirectory directory, CancellationToken cancellation)
    {
        var work = new RestoreWork();
        await using var stream = await store.OpenReadAsync(backup.Manifest.Key, null, cancellation);
        var header = await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
        header.RequireKind(SealedObjectKind.Manifest);
        using var opened = new SealedObjectReader(stream, header, await service.OpeningKeys.GetAsync(header.KeyId, cancellation));
        using var manifest = new ManifestReader(opened);
        if (manifest.Header.Service != backup.Service || manifest.Header.BackupId != backup.Id)
        {
            throw new DamagedObjectException($"is the manifest of {manifest.Header.Service} {manifest.Header.BackupId}");
        }

        while (manifest.ReadNext() is { } line)
        {
            if (line is ManifestPack pack)
            {
                work.Pack(pack.Index).Describe(pack);
            }
            else
            {
                Prepare((ManifestEntry)line, directory, work);
            }
        }

        return work;
    }

    // What another repository's copy of the same object may not have.
    static bool IsOfOneCopy(Exception e) => e is StorageException or DamagedObjectException or EndOfStreamException or UnsupportedFormatException or KeyUnavailableException;

    // Damage says more than that another repository does not have it.
    static Exception Worse(Exception? known, Exception next) => known is null or ObjectNotFoundException ? next : known;

    static Exception Explain(Exception failure, string key, string hint) => failure switch
    {
        DamagedObjectException or EndOfStreamException => new DamagedRepositoryException($"{key} is damaged: {failure.Message}", hint, failure),
        ObjectNotFoundException => new DamagedRepositoryException($"{key} is missing from every repository", hint, failure),
        UnsupportedFormatException => new UnsupportedFormatException($"{key}: {failure.Message}", failure),
        _ => failure,
    };

    static void Prepare(ManifestEntry entry, RestoreDirectory directory, RestoreWork work)
    {
        // The manifest reader has refused paths that lead out of the data directory.
        var path = Path.Combine(directory.Root, entry.Path);
        switch (entry.Kind)
        {
            case ManifestEntryKind.Directory:
                var mode = (UnixFileMode)(entry.Mode & 0x1FF) | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.UserRead;
                Directory.CreateDirectory(path, mode);
                // Whatever the umask says.
                File.SetUnixFileMode(path, mode);
                break;
            case ManifestEntryKind.Link:
                throw new ImpossiblePlanException(
                    $"{entry.Path} is a link to {entry.Target}; this version restores clusters without links and tablespaces only",
                    "nothing outside the target directory was touched");
            default:
                PrepareFile(entry, path, work);
                break;
        }
    }

    static void PrepareFile(ManifestEntry entry, string path, RestoreWork work)
    {
        var stored = entry.Runs.Count(r => r.Pack >= 0);
        var file = new RestoreFile(path, entry, stored);
        if (stored == 0)
        {
            file.WriteEmpty();
            return;
        }

        var offset = 0L;
        var isControlFile = entry.Path == ControlFilePath;
        foreach (var run in entry.Runs)
        {
            if (run.Pack >= 0)
            {
                work.Pack(run.Pack).Add(new RestoreRun(file, offset, run, isControlFile));
            }

            offset += run.Length;
        }
    }

    async Task RestorePackAsync(RestorePack pack, Action<long> onWritten, CancellationToken cancellation)
    {
        var (key, size) = Locate(pack.Pack);
        try
        {
            using var fetched = await FetchPackAsync(key, size, pack.Pack, cancellation);
            var stored = fetched.Memory;
            var header = SealedObjectHeader.Parse(stored.Span);
            var dataKey = await service.OpeningKeys.GetAsync(header.KeyId, cancellation);
            using var reader = new PackReader(stored.Span, dataKey);
            WriteRecords(pack, reader, stored.Span, onWritten);
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
        {
            throw Explain(e, key, PackHint);
        }
    }

    (string Key, int Size) Locate(ManifestPack pack) => BackupId.TryParse(pack.BackupId, out var backup) && pack.Size <= Array.MaxLength
        ? (RepositoryLayout.Pack(service.Name, backup, pack.Number), (int)pack.Size)
        : throw new DamagedRepositoryException(
            $"the manifest names a pack of {pack.Size} bytes of backup {pack.BackupId}: there is no such pack",
            PackHint);

    // The records of a pack prove that they belong together, not that they are this backup's: the manifest's digest does. Checked
    // before anything is written, so that a copy from another repository can take this one's place.
    async Task<PooledBytes> FetchPackAsync(string key, int size, ManifestPack pack, CancellationToken cancellation)
    {
        var asked = await service.Repositories.AskFirstAsync((store, token) => FetchPackAsync(store, key, size, pack, token), size, cancellation);
        foreach (var failure in asked.Failures)
        {
            service.Log.Warning("a repository did not give {Key}: {Reason}", key, failure.Message);
        }

        return asked.IsAnswered ? asked.Answer : throw Explain(asked.Failure, key, PackHint);
    }

    static async Task<PooledBytes> FetchPackAsync(IObjectStore store, string key, int size, ManifestPack pack, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            await using (var stream = await store.OpenReadAsync(key, null, cancellation))
            {
                await stream.ReadExactlyAsync(buffer.AsMemory(0, size), cancellation);
            }

            RequireDigest(buffer.AsSpan(0, size), pack.Sha256);
            return new PooledBytes(buffer, size);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    static void RequireDigest(ReadOnlySpan<byte> content, string sha256)
    {
        if (Convert.ToHexStringLower(SHA256.HashData(content)) != sha256)
        {
            throw new DamagedObjectException("its SHA-256 is not the one the manifest gives");
        }
    }

    static void WriteRecords(RestorePack pack, PackReader reader, ReadOnlySpan<byte> stored, Action<long> onWritten)
    {
        foreach (var record in pack.Runs.GroupBy(r => r.Run.Record).OrderBy(g => g.Key))
        {
            var place = record.First().Run;
            if (place.PackOffset < SealedObjectHeader.Size || place.PackOffset + place.StoredLength > stored.Length)
            {
                throw new DamagedObjectException($"the manifest places record {record.Key} at {place.PackOffset}, {place.StoredLength} bytes, outside the pack's {stored.Length}");
            }

            using var content = reader.Decode(record.Key, stored.Slice((int)place.PackOffset, place.StoredLength));
            foreach (var run in record)
            {
                if (run.Run.SliceOffset < 0 || run.Run.SliceOffset + run.Run.Length > content.Span.Length)
                {
                    throw new DamagedObjectException(
                        $"the manifest takes {run.Run.Length} bytes at {run.Run.SliceOffset} of record {record.Key}, which has {content.Span.Length}");
                }

                run.Write(content.Span.Slice(run.Run.SliceOffset, (int)run.Run.Length));
                onWritten(run.Run.Length);
            }
        }
    }

    static void WriteControlFile(RestoreWork work, RestoreDirectory directory)
    {
        var held = work.Packs.Values.SelectMany(p => p.Runs).Where(r => r.IsHeldBack).ToArray();
        if (held.Length == 0)
        {
            throw new DamagedRepositoryException(
                $"the manifest holds no {ControlFilePath}",
                "this is not a whole backup; choose another with --backup");
        }

        foreach (var run in held)
        {
            run.WriteHeldBack();
        }

        LibC.SyncFileSystem(directory.Root);
    }
}
