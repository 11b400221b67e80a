using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Restore;

/// <summary>
/// Writes the files of a backup: takes the manifest turned round into "which record goes where" per pack, and fetches each pack once, several at
/// a time. pg_control is written after everything else is durable, so a directory with it is whole.
/// </summary>
public sealed class RestoreFiles(PostgresService service)
{
    readonly Lock _marking = new();

    /// <summary>Fills a data directory without tablespaces.</summary>
    /// <param name="backup">What to restore.</param>
    /// <param name="directory">Where to, prepared and empty.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Ends the work; the directory stays marked as incomplete.</param>
    /// <exception cref="DamagedRepositoryException">A stored object is damaged; the message names it.</exception>
    public async Task RestoreAsync(BackupDocument backup, RestoreDirectory directory, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        using var content = await new RestoreContentReader(service).ReadAsync(backup, keepsZeros: false, new HashSet<int>(), cancellation);
        if (content.Tablespaces.Count > directory.Tablespaces.Count)
        {
            throw new ImpossiblePlanException($"backup {backup.Id} has tablespaces, for which no directories were prepared");
        }

        var writer = await WriteAsync(content, backup, directory, progress, cancellation);
        WriteControlFile(writer, directory);
    }

    /// <summary>Writes everything but the control file, durably.</summary>
    internal async Task<RestoreWriter> WriteAsync(
        RestoreContent content, BackupDocument backup, RestoreDirectory directory, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        if (content.ControlFile < 0)
        {
            throw new DamagedRepositoryException("the manifest holds no global/pg_control", "this is not a whole backup; choose another with --backup");
        }

        var writer = new RestoreWriter(content, directory);
        writer.MakeDirectoriesAndEmptyFiles(directory);
        var fetch = new PackFetch(service, new FetchBuffers(LargestPack(content)));
        var written = 0L;
        await Parallel.ForEachAsync(
            content.UsedPacks.Order().Append(RestoreContent.Zeros),
            new ParallelOptions { MaxDegreeOfParallelism = service.Settings.Backup.Jobs, CancellationToken = cancellation },
            async (pack, token) =>
            {
                var bytes = pack == RestoreContent.Zeros ? WriteZeros(content, writer) : await RestorePackAsync(content, pack, fetch, writer, directory, token);
                progress?.Report(new RestoreProgress("restoring files", Math.Min(backup.DatabaseBytes, Interlocked.Add(ref written, bytes)), backup.DatabaseBytes));
            });

        progress?.Report(new RestoreProgress("making files durable", backup.DatabaseBytes, backup.DatabaseBytes));
        directory.Sync();
        return writer;
    }

    /// <summary>Writes the control file: from here on PostgreSQL would start.</summary>
    internal static void WriteControlFile(RestoreWriter writer, RestoreDirectory directory)
    {
        writer.WriteControlFile();
        LibC.SyncFileSystem(directory.Root);
    }

    // What cannot be a pack is refused when its turn comes, by name.
    static int LargestPack(RestoreContent content) =>
        (int)content.UsedPacks.Select(p => content.TryPack(p)?.Size ?? 0).Where(size => size <= Array.MaxLength).DefaultIfEmpty(0).Max();

    static long WriteZeros(RestoreContent content, RestoreWriter writer)
    {
        using var session = new RestoreWriterSession(writer);
        var bytes = 0L;
        foreach (var run in content.RunsOf(RestoreContent.Zeros))
        {
            session.WriteZeros(run);
            bytes += run.Length;
        }

        return bytes;
    }

    async Task<long> RestorePackAsync(
        RestoreContent content, int index, PackFetch fetch, RestoreWriter writer, RestoreDirectory directory, CancellationToken cancellation)
    {
        var pack = content.Pack(index);
        var (key, size) = fetch.Locate(pack);
        try
        {
            var records = new PackRecords(content.RunsOf(index), size);
            using var session = new RestoreWriterSession(writer);
            await new PackRestore(service, fetch, pack, records, session).RunAsync(cancellation);
            Mark(content, index, records, directory);
            return records.ContentBytes;
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
        {
            throw RestoreFailure.Explain(e, key, RestoreFailure.PackHint);
        }
    }

    // The control file is still in memory: what holds it must be read again by a restore that goes on.
    void Mark(RestoreContent content, int pack, PackRecords records, RestoreDirectory directory)
    {
        if (!records.Touches(content.ControlFile))
        {
            lock (_marking)
            {
                RestoreMark.AddPack(directory.Root, pack);
            }
        }
    }
}
