using System.Collections.Concurrent;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Storage;

namespace Pitr.Operations.Retention;

/// <summary>All WAL of a service in one repository, or nothing: from a part of it nobody could say what is needed no more.</summary>
/// <param name="store">The repository.</param>
/// <param name="service">The service.</param>
/// <param name="size">The cluster's segment size.</param>
sealed class WalHoldings(IObjectStore store, ServiceName service, WalSegmentSize size)
{
    readonly Dictionary<Timeline, StoredRuns> _runs = [];
    readonly ConcurrentBag<(string Key, WalSegmentName Segment, long Size)> _beside = [];

    /// <summary>The repository.</summary>
    public IObjectStore Store => store;

    /// <summary>The cluster's segment size.</summary>
    public WalSegmentSize Size => size;

    /// <summary>Lists it.</summary>
    /// <exception cref="StorageException">The listing is not complete.</exception>
    public static async Task<WalHoldings> ReadAsync(IObjectStore store, ServiceName service, WalSegmentSize size, CancellationToken cancellation)
    {
        var holdings = new WalHoldings(store, service, size);
        foreach (var (timeline, (runs, _)) in await new WalListing(service, size, keepsSizes: true, holdings.AddOther).ReadAsync(store, cancellation))
        {
            holdings._runs[timeline] = runs;
        }

        return holdings;
    }

    /// <summary>What several repositories say of each timeline together.</summary>
    public static IReadOnlyList<TimelineTrace> Together(IEnumerable<WalHoldings> repositories) =>
    [
        .. from repository in repositories
           from held in repository._runs
           where held.Value.Runs.Count > 0
           group held.Value by (held.Key, repository.Size) into timeline
           orderby timeline.Key.Key
           select TimelineTrace.Of(timeline.Key.Key, timeline.Key.Size, StoredRuns.Union(timeline.Key.Key, timeline.Key.Size, [.. timeline])),
    ];

    /// <summary>Objects that are not needed, oldest first on each timeline, so that a removal that is cut short leaves no gap in what follows. Histories always are.</summary>
    public IEnumerable<string> NeedlessKeys(NeededWal needed)
    {
        foreach (var (timeline, first, last) in NeedlessRuns(needed))
        {
            for (var number = first; number <= last; number++)
            {
                yield return RepositoryLayout.Wal(service, WalFileName.Parse(WalSegmentName.FromNumber(timeline, number, size).ToString()));
            }
        }

        foreach (var (key, _, _) in _beside.Where(item => !needed.Contains(item.Segment)).OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            yield return key;
        }
    }

    /// <summary>How many they are, and their bytes.</summary>
    public (long Files, long Bytes) CountNeedless(NeededWal needed)
    {
        var files = 0L;
        var bytes = 0L;
        foreach (var (timeline, first, last) in NeedlessRuns(needed))
        {
            var run = _runs[timeline].Runs.First(r => r.First <= first && last <= r.Last);
            files += (long)(last - first + 1);
            bytes += run.BytesFrom(first) - (last == run.Last ? 0 : run.BytesFrom(last + 1));
        }

        foreach (var item in _beside.Where(item => !needed.Contains(item.Segment)))
        {
            files++;
            bytes += item.Size;
        }

        return (files, bytes);
    }

    IEnumerable<(Timeline Timeline, ulong First, ulong Last)> NeedlessRuns(NeededWal needed) =>
        from timeline in _runs
        orderby timeline.Key
        from run in timeline.Value.Runs
        from part in needed.Needless(timeline.Key, run.First, run.Last)
        select (timeline.Key, part.First, part.Last);

    // Backup labels, partial segments and pieces of streamed ones belong to their segment. Anything else is nobody's business here.
    void AddOther(ObjectListing item)
    {
        if (RepositoryLayout.TryParseWal(item.Key, out _, out var file) && file.Segment is { } segment)
        {
            _beside.Add((item.Key, segment, item.Size));
        }
        else if (RepositoryLayout.TryParseWalPiece(item.Key, out _, out var piece))
        {
            _beside.Add((item.Key, piece.Segment, item.Size));
        }
    }
}
