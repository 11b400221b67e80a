using System.Collections.Concurrent;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Archive;

/// <summary>
/// Lists the WAL of one service in one repository as runs. A large archive is listed in parts, several at once: what takes time is reading a
/// directory, or one request after the other. Objects that are no WAL files are passed over.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="size">The cluster's segment size.</param>
/// <param name="keepsSizes">As for <see cref="StoredRun"/>.</param>
/// <param name="onOther">Told of each object beside the segments that is none; from several threads at once.</param>
/// <param name="namesOnly">Whether sizes and times may be left out where they take longer.</param>
sealed class WalListing(ServiceName service, WalSegmentSize size, bool keepsSizes, Action<ObjectListing>? onOther = null, bool namesOnly = false)
{
    const int AtOnce = 8;
    const int EnoughParts = 8;
    const int FewLogs = 16;
    const int LogDigits = 8;

    /// <summary>Lists one repository.</summary>
    /// <exception cref="StorageException">The listing is not complete.</exception>
    public async Task<IReadOnlyDictionary<Timeline, (StoredRuns Runs, bool HasHistory)>> ReadAsync(IObjectStore store, CancellationToken cancellation)
    {
        var (timelines, histories) = await ListTimelinesAsync(store, cancellation);
        var parts = new List<(Timeline Timeline, string Prefix)>();
        foreach (var timeline in timelines)
        {
            parts.AddRange((await ListPartsAsync(store, timeline, cancellation)).Select(prefix => (timeline, prefix)));
        }

        var found = new ConcurrentDictionary<int, StoredRuns>();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, parts.Count),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (i, token) => found[i] = await ListPartAsync(store, parts[i].Timeline, parts[i].Prefix, token));
        var result = timelines.Union(histories).ToDictionary(timeline => timeline, timeline => (new StoredRuns(keepsSizes), histories.Contains(timeline)));
        for (var i = 0; i < parts.Count; i++)
        {
            result[parts[i].Timeline].Item1.Add(found[i]);
        }

        return result;
    }

    async Task<(List<Timeline> Timelines, HashSet<Timeline> Histories)> ListTimelinesAsync(IObjectStore store, CancellationToken cancellation)
    {
        var prefix = RepositoryLayout.WalPrefix(service);
        var timelines = new List<Timeline>();
        var histories = new HashSet<Timeline>();
        await foreach (var item in store.ListAsync(prefix, ListMode.Children, cancellation))
        {
            // A directory is named like the history beside it, without its suffix.
            var name = item.Key.AsSpan(prefix.Length);
            if (item.IsPrefix && WalFileName.TryParse($"{name[..^1]}.history", out var file))
            {
                timelines.Add(file.Timeline);
            }
            else if (!item.IsPrefix && WalFileName.TryParse(name, out var history) && history.Kind == WalFileKind.History)
            {
                histories.Add(history.Timeline);
            }
        }

        return (timelines, histories);
    }

    // Parts are all log files with the same first digits: as few digits as make enough parts, because some stores read the whole directory for each.
    async Task<IEnumerable<string>> ListPartsAsync(IObjectStore store, Timeline timeline, CancellationToken cancellation)
    {
        var prefix = RepositoryLayout.WalTimelinePrefix(service, timeline);
        var logs = new List<string>();
        await foreach (var item in store.ListAsync(prefix, ListMode.Children, cancellation))
        {
            if (item.IsPrefix && item.Key.Length == prefix.Length + LogDigits + 1)
            {
                logs.Add(item.Key);
            }
        }

        if (logs.Count <= FewLogs)
        {
            return [prefix];
        }

        for (var digits = 1; digits < LogDigits; digits++)
        {
            var parts = logs.Select(log => log[..(prefix.Length + digits)]).Distinct(StringComparer.Ordinal).ToArray();
            if (parts.Length >= EnoughParts)
            {
                return parts;
            }
        }

        return logs;
    }

    async Task<StoredRuns> ListPartAsync(IObjectStore store, Timeline timeline, string prefix, CancellationToken cancellation)
    {
        var runs = new StoredRuns(keepsSizes);
        await foreach (var item in store.ListAsync(prefix, namesOnly ? ListMode.Names : ListMode.Recursive, cancellation))
        {
            if (RepositoryLayout.TryParseWal(item.Key, out _, out var file)
                && file.Kind == WalFileKind.Segment
                && file.Timeline == timeline
                && file.Segment!.Value.IsValidFor(size))
            {
                runs.Add(file.Segment.Value.Number(size), item.Size, item.Modified);
            }
            else
            {
                onOther?.Invoke(item);
            }
        }

        return runs;
    }
}
