using Pitr.Format.Catalog;

namespace Pitr.Operations.Audit;

/// <summary>What was done.</summary>
/// <param name="Records">What has ended, by the time of that, oldest first.</param>
/// <param name="Unfinished">What has begun and not ended, by the time of that, oldest first.</param>
/// <param name="Unreadable">Keys of what cannot be read.</param>
public sealed record AuditHistory(IReadOnlyList<AuditRecord> Records, IReadOnlyList<UnfinishedAction> Unfinished, IReadOnlyList<string> Unreadable)
{
    /// <summary>Two trails as one.</summary>
    /// <param name="other">The other.</param>
    /// <param name="most">So many at most, the newest.</param>
    public AuditHistory With(AuditHistory other, int most)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new AuditHistory([.. Records, .. other.Records], [.. Unfinished, .. other.Unfinished], [.. Unreadable, .. other.Unreadable]).Newest(most);
    }

    /// <summary>The newest of both, ended or not.</summary>
    /// <param name="most">So many at most.</param>
    public AuditHistory Newest(int most)
    {
        var first = Records.Select(r => r.Ended).Concat(Unfinished.Select(u => u.Beginning.Started)).OrderDescending().Take(most).LastOrDefault(DateTimeOffset.MaxValue);
        return this with
        {
            Records = [.. Records.Where(r => r.Ended >= first).OrderBy(r => r.Ended)],
            Unfinished = [.. Unfinished.Where(u => u.Beginning.Started >= first).OrderBy(u => u.Beginning.Started)],
        };
    }
}
