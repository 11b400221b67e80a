using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Services;
using Pitr.Operations.Verify;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Verify;

/// <summary>Finds what one repository lacks of the segments that another has. Debts are no findings: they are known and will be paid.</summary>
/// <param name="service">The service.</param>
/// <param name="inventory">What each repository holds.</param>
/// <param name="expired">Knows what was removed on purpose.</param>
/// <param name="findings">Told what is missing.</param>
sealed class WalCopies(PostgresService service, WalInventory inventory, ExpiredWal expired, Findings findings)
{
    public const string BringIt = "`pitr repo copy` brings it from the repository that has it";

    /// <summary>Finds what is missing in a repository.</summary>
    /// <param name="store">The repository.</param>
    /// <param name="from">Where to begin on each timeline.</param>
    /// <returns>How many are missing that the repository is owed.</returns>
    public long FindMissing(IObjectStore store, IReadOnlyDictionary<Timeline, ulong> from)
    {
        var owed = new HashSet<string>(service.Repositories.Debts.Owed(store.Name).Select(d => d.Key), StringComparer.Ordinal);
        var held = inventory.Repositories.First(r => r.Repository == store.Name);
        var known = 0L;
        foreach (var timeline in inventory.Timelines)
        {
            if (!from.TryGetValue(timeline.Timeline, out var start))
            {
                continue;
            }

            foreach (var (first, last) in Lacking(timeline.Spans, held.Find(timeline.Timeline)?.Spans ?? []).Where(run => run.Last >= start && !expired.Explains(timeline.Timeline, run.First, run.Last, held)))
            {
                known += Report(store, timeline.Timeline, Math.Max(first, start), last, owed);
            }
        }

        return known;
    }

    // The runs of numbers that are in some repository's spans and not in this one's.
    IEnumerable<(ulong First, ulong Last)> Lacking(IReadOnlyList<WalSpan> all, IReadOnlyList<WalSpan> own)
    {
        var size = inventory.SegmentSize;
        foreach (var span in all)
        {
            var next = span.First.Number(size);
            foreach (var part in own.Where(o => o.First >= span.First && o.Last <= span.Last))
            {
                if (part.First.Number(size) > next)
                {
                    yield return (next, part.First.Number(size) - 1);
                }

                next = part.Last.Number(size) + 1;
            }

            if (next <= span.Last.Number(size))
            {
                yield return (next, span.Last.Number(size));
            }
        }
    }

    long Report(IObjectStore store, Timeline timeline, ulong first, ulong last, HashSet<string> owed)
    {
        var known = 0L;
        ulong? begin = null;
        for (var number = first; number <= last; number++)
        {
            var isOwed = owed.Count > 0 && owed.Contains(RepositoryLayout.Wal(service.Name, WalFileName.ForSegment(Name(number))));
            known += isOwed ? 1 : 0;
            if (!isOwed)
            {
                begin ??= number;
            }

            if (begin is { } from && (isOwed || number == last))
            {
                var to = isOwed ? number - 1 : number;
                findings.Add(
                    FindingKind.Missing,
                    store.Name,
                    Name(from).ToString(),
                    from == to ? "is missing here, another repository has it" : $"to {Name(to)}: {to - from + 1} segments are missing here, another repository has them",
                    BringIt);
                begin = null;
            }
        }

        return known;

        WalSegmentName Name(ulong number) => WalSegmentName.FromNumber(timeline, number, inventory.SegmentSize);
    }
}
