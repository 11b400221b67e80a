using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Backup;

/// <summary>Which summaries tell about a range of WAL, and whether they do without a gap (WalSummariesAreComplete() of src/backend/backup/walsummary.c).</summary>
/// <param name="Summaries">Those that overlap it.</param>
/// <param name="End">They reach from the range's beginning to here; what begins here has none. At or behind the range's end if nothing is missing.</param>
sealed record SummaryCover(IReadOnlyList<WalSummaryRange> Summaries, Lsn End)
{
    /// <summary>Looks for them.</summary>
    /// <param name="available">What there is, in any order, maybe overlapping.</param>
    /// <param name="timeline">Of the range; those of other timelines are of other WAL.</param>
    /// <param name="from">The first record's position.</param>
    /// <param name="to">The one of the first record that does not belong to it.</param>
    public static SummaryCover Find(IEnumerable<WalSummaryRange> available, Timeline timeline, Lsn from, Lsn to)
    {
        var overlapping = available.Where(s => s.Timeline == timeline && s.Start < to && s.End > from).OrderBy(s => s.Start).ToList();
        var end = from;
        foreach (var summary in overlapping)
        {
            if (summary.Start > end)
            {
                break;
            }

            end = summary.End > end ? summary.End : end;
        }

        return new SummaryCover(overlapping, end);
    }
}
