using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Wal.Events;
using Pitr.Postgres.Wal.Footprints;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Search;

/// <summary>
/// Looks through archived WAL for commits, restore points and what destructive statements leave behind, and says where a recovery has to stop to be
/// before them. Whatever keeps it from seeing everything is in the report: an empty list of problems means that there is no more.
/// </summary>
public sealed class WalSearch(PostgresService service)
{
    readonly WalArchive _archive = new(service);

    /// <summary>Searches.</summary>
    /// <exception cref="RefusedInputException">The request makes no sense.</exception>
    /// <exception cref="ImpossiblePlanException">Nothing is archived, no such timeline, or no such restore point.</exception>
    /// <exception cref="DamagedRepositoryException">A restore point was not found, and not everything could be read.</exception>
    /// <exception cref="RepositoryUnavailableException">Nothing is archived where it could be looked.</exception>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    public async Task<WalSearchReport> RunAsync(WalSearchRequest request, IProgress<WalSearchProgress> progress, CancellationToken cancellation)
    {
        request.RequireSense();
        var inventory = await _archive.ListAsync(cancellation);
        if (inventory.Timelines.Count == 0)
        {
            service.Repositories.RequireComplete();
        }

        var timeline = ChooseTimeline(request, inventory);
        var history = timeline.Value > 1 ? await _archive.ReadHistoryAsync(timeline, cancellation) : null;
        var path = new TimelinePath(timeline, history, inventory.SegmentSize);
        var range = new WalSearchRange(_archive, path, inventory);
        var chosen = await range.ChooseAsync(request, cancellation);
        var findings = new WalSearchHits(request);
        var problems = new ProblemList(inventory.SegmentSize);
        (long Segments, ulong SystemIdentifier) read = default;
        if (chosen is { } bounds)
        {
            read = await ReadAsync(request, bounds, new Source(path, inventory, range), findings, problems, progress, cancellation);
        }

        problems.Add(service.Repositories);
        RequireFound(request, findings, problems.All);
        var (kept, noServer) = await NameAsync(request, findings, read.SystemIdentifier, cancellation);
        var backups = await ReadBackupsAsync(timeline, history, problems, cancellation);
        return new WalSearchReport(
            timeline,
            chosen is { } span ? path.Segment(span.First) : null,
            chosen is { } end ? path.Segment(end.Last) : null,
            read.Segments,
            findings.Commits,
            findings.FirstCommit,
            findings.LastCommit,
            [.. kept.Select(f => f with { Backup = backups.LastOrDefault(b => b.StopLsn <= f.StopBefore)?.Id })],
            findings.Found,
            problems.All,
            noServer);
    }

    static Timeline ChooseTimeline(WalSearchRequest request, WalInventory inventory)
    {
        if (inventory.Timelines.Count == 0)
        {
            throw new ImpossiblePlanException("no WAL is archived", "`pitr check` shows whether archiving works");
        }

        if (request.Timeline == "latest")
        {
            return inventory.Timelines[^1].Timeline;
        }

        var timeline = Timeline.Parse(request.Timeline);
        return inventory.Find(timeline) is not null ? timeline : throw new ImpossiblePlanException(
            $"nothing of timeline {timeline} is archived", $"archived timelines: {string.Join(", ", inventory.Timelines.Select(t => t.Timeline))}");
    }

    async Task<(long Segments, ulong SystemIdentifier)> ReadAsync(
        WalSearchRequest request, (ulong First, ulong Last) bounds, Source source, WalSearchHits findings, ProblemList problems, IProgress<WalSearchProgress> progress, CancellationToken cancellation)
    {
        var size = source.Inventory.SegmentSize;
        var kinds = WalEventKinds.RestorePoints | (request.NeedsNames ? FootprintTracker.Needs : WalEventKinds.TransactionEnds);
        var start = await StartAsync(request, bounds.First, source, progress, cancellation);
        var stream = new WalSegmentStream(service, source.Path, source.Inventory, kinds);
        var reading = new WalSearchReading(kinds, findings, problems);
        long read = 0;
        await foreach (var scanned in stream.ScanAsync(start, bounds.Last, cancellation))
        {
            read++;
            progress.Report(new WalSearchProgress($"searching {scanned.Segment}", read * size.Bytes, (long)(bounds.Last - start + 1) * size.Bytes));
            reading.Take(scanned, isInRange: scanned.Segment.Number(size) >= bounds.First);
            if (findings.HasEnded)
            {
                break;
            }
        }

        return (read, stream.SystemIdentifier);
    }

    // Reading begins earlier: names need the last checkpoint, and a record may begin in the segment before the first.
    async Task<ulong> StartAsync(WalSearchRequest request, ulong first, Source source, IProgress<WalSearchProgress> progress, CancellationToken cancellation) =>
        request.NeedsNames
            ? await source.Range.FindContextAsync(first, new WalSegmentStream(service, source.Path, source.Inventory, WalEventKinds.Checkpoints), progress, cancellation)
            : Math.Max(first - 1, source.Path.Bounds(source.Inventory)!.Value.First);

    static void RequireFound(WalSearchRequest request, WalSearchHits findings, IReadOnlyList<WalSearchProblem> problems)
    {
        var name = !findings.HasBegun ? request.From!.RestorePoint : request.To?.RestorePoint is { } end && !findings.HasEnded ? end : null;
        if (name is null)
        {
            return;
        }

        throw problems.Count == 0
            ? new ImpossiblePlanException($"no restore point {name} is in the archived WAL", "`pitr wal search --kind restore-point` lists those there are; --to must come after --from")
            : new DamagedRepositoryException($"no restore point {name} was found, and not everything could be read: {problems[0].Error.Message}", "cure that, or name a time", problems[0].Error);
    }

    async Task<(IReadOnlyList<WalSearchHit> Findings, string? NoServer)> NameAsync(
        WalSearchRequest request, WalSearchHits findings, ulong systemIdentifier, CancellationToken cancellation)
    {
        var kept = findings.Kept;
        if (!request.AskServer || kept.All(f => f.RestorePoint is not null))
        {
            return (kept, null);
        }

        try
        {
            var named = await new LiveNames(service.Settings).ResolveAsync(kept, systemIdentifier, cancellation);
            return ([.. named.Where(f => f.RestorePoint is not null || findings.IsWanted(f.IsCommit, f.Footprints))], null);
        }
        catch (Exception e) when (e is ServerException or ConfigurationException)
        {
            return (kept, e.Message);
        }
    }

    async Task<IReadOnlyList<BackupDocument>> ReadBackupsAsync(Timeline timeline, TimelineHistory? history, ProblemList problems, CancellationToken cancellation)
    {
        try
        {
            var backups = await new BackupCatalog(service).ListAsync(cancellation);
            return [.. backups.Where(b => b.Timeline == timeline.Value || (history?.IsAncestor(new Timeline(b.Timeline), b.StopLsn) ?? false)).OrderBy(b => b.StopLsn)];
        }
        catch (Exception e) when (e is StorageException or DamagedRepositoryException)
        {
            problems.Add(e);
            return [];
        }
    }

    readonly record struct Source(TimelinePath Path, WalInventory Inventory, WalSearchRange Range);
}
