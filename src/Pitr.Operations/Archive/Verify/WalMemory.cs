using System.Collections.Concurrent;
using Pitr.Format.Wal;
using Pitr.Operations.Verify;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Verify;

/// <summary>Which copies of which segments were verified lately, so that they need not be fetched again. Safe for use from several threads once everything is listed.</summary>
/// <param name="verified">What is remembered of each repository, by name; nothing is for one that is not there.</param>
/// <param name="since">What was verified before this is read again.</param>
/// <param name="clock">Source of time.</param>
/// <param name="size">The cluster's segment size.</param>
sealed class WalMemory(IReadOnlyDictionary<string, VerifiedObjects> verified, DateTimeOffset since, TimeProvider clock, WalSegmentSize size)
{
    readonly Dictionary<string, SegmentMarks> _marks = verified.Keys.ToDictionary(name => name, _ => new SegmentMarks(size), StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, long> _fresh = new(StringComparer.Ordinal);

    /// <summary>How many segments of a repository were not fetched because they were verified lately.</summary>
    public long FreshIn(string repository) => _fresh.GetValueOrDefault(repository);

    /// <summary>Takes down how a segment lies in a repository now; in the order of the listing.</summary>
    public void Observe(IObjectStore store, WalSegmentName segment, ObjectListing item)
    {
        if (!verified.TryGetValue(store.Name, out var known))
        {
            return;
        }

        var mark = known.Mark(item.Key, item.Size, item.Modified);
        _marks[store.Name].Add(segment, mark);
        if (known.IsFresh(mark, since))
        {
            _fresh.AddOrUpdate(store.Name, 1, (_, count) => count + 1);
        }
    }

    /// <summary>Whether any copy of a segment has to be fetched.</summary>
    public bool IsDue(WalSegmentName segment) => _marks.Any(m => m.Value.Find(segment) is { } mark && !verified[m.Key].IsFresh(mark, since));

    /// <summary>A copy was fetched, and nothing is wrong with it.</summary>
    public void Add(IObjectStore store, WalSegmentName segment)
    {
        if (verified.TryGetValue(store.Name, out var known) && _marks[store.Name].Find(segment) is { } mark)
        {
            known.Add(mark, clock.GetUtcNow());
        }
    }

    /// <summary>Something is wrong with a segment in all repositories.</summary>
    public void Remove(WalSegmentName segment)
    {
        foreach (var (name, marks) in _marks)
        {
            if (marks.Find(segment) is { } mark)
            {
                verified[name].Remove(mark);
            }
        }
    }
}
