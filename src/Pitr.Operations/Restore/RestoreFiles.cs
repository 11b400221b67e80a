using System.Buffers;
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
        var work = new RestoreWork();
        try
        {
            await using var stream = await service.Repositories.OpenReadAsync(backup.Manifest.Key, null, cancellation);
            var header = await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
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
        }
        catch (ObjectNotFoundException e)
        {
            throw Missing(backup.Manifest.Key, e);
        }
        catch (Exception e) when (e is DamagedObjectException or EndOfStreamException)
        {
            throw new DamagedRepositoryException($"{backup.Manifest.Key} is damaged: {e.Message}", $"backup {backup.Id} cannot be restored from here; choose another with --backup, or bring the object back from a copy", e);
        }

        return work;
    }

    static void Prepare(ManifestEntry entry, RestoreDirectory directory, RestoreWork work)
    {
        // The manifest reader has refused paths that lead out of the data directory.
        var path = entry.Path.Length == 0 ? directory.Root : Path.Combine(directory.Root, entry.Path);
        switch (entry.Kind)
        {
            case ManifestEntryKind.Directory:
                Directory.CreateDirectory(path, (UnixFileMode)(entry.Mode & 0x1FF) | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.UserRead);
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
        var key = RepositoryLayout.Pack(service.Name, BackupId.Parse(pack.Pack.BackupId), pack.Pack.Number);
        var buffer = ArrayPool<byte>.Shared.Rent(checked((int)pack.Pack.Size));
        try
        {
            await using (var stream = await service.Repositories.OpenReadAsync(key, null, cancellation))
            {
                await stream.ReadExactlyAsync(buffer.AsMemory(0, (int)pack.Pack.Size), cancellation);
            }

            var header = SealedObjectHeader.Parse(buffer.AsSpan(0, SealedObjectHeader.Size));
            var dataKey = await service.OpeningKeys.GetAsync(header.KeyId, cancellation);
            using var reader = new PackReader(buffer.AsSpan(0, SealedObjectHeader.Size), dataKey);
            WriteRecords(pack, reader, buffer.AsSpan(0, (int)pack.Pack.Size), onWritten);
        }
        catch (ObjectNotFoundException e)
        {
            throw Missing(key, e);
        }
        catch (Exception e) when (e is DamagedObjectException or EndOfStreamException)
        {
            throw new DamagedRepositoryException($"{key} is damaged: {e.Message}", "the backup cannot be restored from here; choose another with --backup, or bring the object back from a copy", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Every repository answered: the backup has lost a part of itself, which is damage, not an unreachable repository.
    static DamagedRepositoryException Missing(string key, ObjectNotFoundException e) =>
        new($"{key} is missing from every repository", "the backup cannot be restored from here; choose another with --backup, or bring the object back from a copy", e);

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
            throw new DamagedRepositoryException($"the manifest holds no {ControlFilePath}", "this is not a whole backup; choose another with --backup");
        }

        foreach (var run in held)
        {
            run.WriteHeldBack();
        }

        LibC.SyncFileSystem(directory.Root);
    }
}
