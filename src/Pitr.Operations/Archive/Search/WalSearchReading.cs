using Pitr.Operations.Errors;
using Pitr.Postgres.Wal.Events;
using Pitr.Postgres.Wal.Footprints;

namespace Pitr.Operations.Archive.Search;

/// <summary>Takes segments in order, makes transactions of their events, and hands on what lies in the range.</summary>
sealed class WalSearchReading(WalEventKinds kinds, WalSearchHits findings, ProblemList problems)
{
    readonly WalEventRun _run = new(kinds);

    FootprintTracker? _tracker;

    /// <summary>Takes the next segment.</summary>
    /// <param name="scanned">The segment.</param>
    /// <param name="isInRange">Else it is read for the names in it, and what is wrong with it costs names at most.</param>
    public void Take(WalSegmentStream.Scanned scanned, bool isInRange)
    {
        if (scanned.Events is not { } events)
        {
            Break();
            if (isInRange)
            {
                Report(scanned);
            }

            return;
        }

        _tracker ??= new FootprintTracker(events.Edges.MajorVersion);
        var all = _run.Add(events, out var damage);
        foreach (var found in all)
        {
            Take(found, _tracker, isInRange);
        }

        if (damage is null)
        {
            return;
        }

        Break();
        if (isInRange)
        {
            problems.Add(scanned.Segment, new DamagedRepositoryException(
                $"{scanned.Segment} is damaged at {damage.Position}: {damage.Reason}", "what comes after that in this segment is not known, and recovery ends there"));
        }
    }

    void Take(WalEvent found, FootprintTracker tracker, bool isInRange)
    {
        if (found is WalRestorePoint point)
        {
            if (isInRange)
            {
                findings.Add(point);
            }
        }
        else if (tracker.Apply(found) is { } transaction && isInRange)
        {
            findings.Add(transaction);
        }
    }

    void Break()
    {
        _run.Break();
        _tracker?.Break();
    }

    void Report(WalSegmentStream.Scanned scanned)
    {
        if (scanned.Problem is { } problem)
        {
            problems.Add(scanned.Segment, problem);
        }
        else
        {
            problems.AddMissing(scanned.Segment);
        }
    }
}
