using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Scratch;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Drill.Dumps;

/// <summary>
/// Proves that a dump can be brought back: makes a server of the same product in scratch space, restores the dump into it, checks it, times every phase, and holds the result against the
/// objectives. Never touches the live server; which kind of service it is, only <see cref="IScratchServer"/> knows.
/// </summary>
/// <param name="service">The service.</param>
public sealed class DumpDrillRun(DumpService service)
{
    const string Purpose = "drill";
    const string Newest = "latest";

    readonly List<string> _warnings = [];
    readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <summary>Existing directory to restore into; null: the service's state directory.</summary>
    public string? ScratchDirectory { get; init; }

    /// <summary>Does the drill. A dump that cannot be brought back is a report with a verdict, not an exception.</summary>
    /// <param name="backup">The dump; null for the newest.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellation">Ends the drill without a report; scratch is cleaned up.</param>
    /// <exception cref="StorageException">The report could not be stored.</exception>
    /// <exception cref="RefusedInputException">There are no drills of this kind.</exception>
    public async Task<DrillReport> RunAsync(BackupId? backup, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var record = new DrillRecord(service, backup?.ToString() ?? Newest, seed: null, progress);
        using var scratch = ScratchSpace.Create(service, Purpose, ScratchDirectory);
        await using var server = DumpKinds.Scratch(service.Settings, scratch, service);
        return await record.RunAsync(() => RecoverAsync(record, server, backup, scratch, progress, cancellation), cancellation);
    }

    async Task RecoverAsync(
        DrillRecord record, IScratchServer server, BackupId? backup, ScratchSpace scratch, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        record.Begin("planning");
        var entry = await new DumpCatalog(service).ChooseAsync(backup, cancellation);
        record.Report = record.Report with { Backup = entry.Id };
        var manifest = await new DumpReader(service).ReadManifestAsync(entry, cancellation);
        record.Report = record.Report with { RestoredBytes = manifest.Streams.Sum(s => s.Bytes), FetchedBytes = manifest.Parts.Sum(p => p.Size) };
        await server.FindAsync(manifest, cancellation);
        RequireRoom(scratch, record.Report.RestoredBytes);
        record.End("plan");

        record.Begin("making a server");
        await server.MakeAsync(cancellation);
        record.End("make");

        record.Begin("restoring");
        var restore = new DumpRestore(service, server.Target);
        var plan = await server.Target.PlanAsync(entry, manifest, server.Selection, cancellation);
        _warnings.AddRange(await restore.RunAsync(plan, progress is null ? null : new ForwardedProgress(progress), cancellation));
        record.End("restore");

        record.Begin("starting");
        await server.OpenAsync(cancellation);
        // What was written while the dump was taken is in it or not; what was there when it began is.
        var age = Math.Max(0, (record.Report.Requested - entry.Started).TotalSeconds);
        record.Report = record.Report with { RtoSeconds = record.Elapsed, RpoSeconds = age, RpoBasis = "from the beginning of the dump to the request" };
        record.End("start");

        record.Begin("checking");
        await CheckAsync(record, server, plan, progress, cancellation);
        record.End("check");
    }

    // About as large as what is read, at least.
    static void RequireRoom(ScratchSpace scratch, long bytes)
    {
        if (new DriveInfo(scratch.Root).AvailableFreeSpace is var free && free < bytes)
        {
            throw new ImpossiblePlanException($"the scratch space has {free} bytes free; the dump has {bytes}", "free some space, or have the scratch space on another file system: --scratch DIR");
        }
    }

    async Task CheckAsync(DrillRecord record, IScratchServer server, DumpRestorePlan plan, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var series = new CheckSeries(service.Clock, record.Checks, progress, server.Reason);
        await series.RunAsync("server answers", server.DescribeAsync, cancellation);
        foreach (var stream in plan.Steps.Where(s => s.Into is not null).Select(s => s.Stream))
        {
            var contents = new DrillCheck($"contents of {stream.Database ?? stream.Name}", false, "");
            await series.RunAsync(contents, token => CompareAsync(contents, server, stream, token), cancellation);
            if (stream.Database is { } database)
            {
                await series.RunAsync($"tables of {database}", token => ReadTablesAsync(server, database, token), cancellation);
            }
        }

        foreach (var check in service.Settings.Drill.Checks.Select(c => new SqlCheck(c, service.Settings.Drill.CheckTimeout, service.Clock)))
        {
            await series.RunAsync(check.Undone, token => check.RunAsync(server.AskAsync, token), cancellation);
        }

        await CountRowsAsync(record, server, plan, cancellation);
    }

    async Task<string> ReadTablesAsync(IScratchServer server, string database, CancellationToken cancellation)
    {
        var said = await server.ReadTablesAsync(database, cancellation);
        _read.Add(database);
        return said;
    }

    async Task CountRowsAsync(DrillRecord record, IScratchServer server, DumpRestorePlan plan, CancellationToken cancellation)
    {
        if (plan.Manifest.Streams.All(s => s.Database is null))
        {
            record.Report = record.Report with { Warnings = _warnings };
            return;
        }

        // A database that could not be read says nothing about its tables.
        var restored = plan.Manifest.Streams.Select(s => s.Database).ToHashSet(StringComparer.Ordinal);
        var (counts, warnings) = RowCounts.Compare(
            server.Tables, table => _read.Contains(table.Database) || !restored.Contains(table.Database), await record.FindEarlierAsync(cancellation), service.Settings.Drill.NamesTables);
        record.Report = record.Report with { RowCounts = counts, Warnings = [.. _warnings, .. warnings] };
    }

    async Task<DrillCheck> CompareAsync(DrillCheck check, IScratchServer server, DumpStreamRecord stream, CancellationToken cancellation)
    {
        var (wrong, unclear, found) = StreamCounts.Compare(stream.Counts, await server.CountAsync(stream, cancellation));
        _warnings.AddRange(unclear.Select(u => $"{stream.Database ?? stream.Name}: {u}; it was written to while it was dumped"));
        return wrong.Count > 0 ? check with { Detail = string.Join("; ", wrong) } : check with
        {
            Passed = true,
            Detail = stream.Counts.Count == 0 ? $"{found}; the backup has no counts to compare with" : unclear.Count > 0 ? found : $"{found}; as when it was dumped",
        };
    }

    sealed class ForwardedProgress(IProgress<RestoreProgress> to) : IProgress<DumpProgress>
    {
        public void Report(DumpProgress value) => to.Report(new RestoreProgress(value.Phase, value.Bytes, value.TotalBytes));
    }
}
