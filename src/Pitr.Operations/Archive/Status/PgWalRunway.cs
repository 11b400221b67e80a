using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Archive.Status;

/// <summary>How long the disk of pg_wal lasts. What is counted as growth, and why, is in docs/decisions/0023.</summary>
/// <param name="WalRate">WAL written between two samples, in bytes per second; null when there was one sample only.</param>
/// <param name="GrowthRate">WAL that pg_wal must keep on top of what it keeps already, in bytes per second; 0 while nothing holds WAL back.</param>
/// <param name="HeldBy">What makes it grow: <c>archiver</c>, or <c>slot NAME</c>; null when it does not.</param>
/// <param name="Room">Bytes of WAL that still fit: free space of the file system, and segments prepared ahead.</param>
/// <param name="TimeLeft">Until the disk is full at the growth rate; null when it does not grow, or lasts longer than 100 years.</param>
/// <param name="HoldsFor">Until the disk were full if nothing was archived from now on; null when no WAL was written, or it lasts longer than 100 years.</param>
public sealed record PgWalRunway(double? WalRate, double GrowthRate, string? HeldBy, long Room, TimeSpan? TimeLeft, TimeSpan? HoldsFor)
{
    /// <summary>
    /// A segment that waits longer than this shows that the archiver does not keep up: one takes it well below a second, and a failed one is
    /// tried again three times at once and then after a minute.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    static readonly TimeSpan Forever = TimeSpan.FromDays(36525);

    /// <summary>Measures between two samples; the same one twice, when there is one only, leaves what the backlog itself tells.</summary>
    public static PgWalRunway Measure(PgWalSample first, PgWalSample last, WalSegmentSize size)
    {
        var seconds = (last.At - first.At).TotalSeconds;
        var walRate = seconds > 0 ? Math.Max(0, Distance(first.Position, last.Position)) / seconds : (double?)null;
        var room = last.Content.FreeBytes + ((long)last.Content.PreparedSegments * size.Bytes);
        var growth = (Rate: ArchiverGrowth(first, last, size, walRate, seconds), HeldBy: (string?)"archiver");
        foreach (var slot in last.Slots.Where(slot => IsHolding(slot, room)))
        {
            var before = first.Slots.FirstOrDefault(s => s.Name == slot.Name)?.RestartLsn;
            var rate = seconds > 0 && before is { } held ? (Held(last, slot.RestartLsn!.Value) - Held(first, held)) / seconds : 0;
            growth = rate > growth.Rate ? (rate, $"slot {slot.Name}") : growth;
        }

        return new PgWalRunway(walRate, growth.Rate, growth.Rate > 0 ? growth.HeldBy : null, room, Until(room, growth.Rate), Until(room, walRate ?? 0));
    }

    // A moment's rate says little when the server happens to be quiet, and the mean since the backlog began says little about a load that has
    // just begun: the larger one counts.
    static double ArchiverGrowth(PgWalSample first, PgWalSample last, WalSegmentSize size, double? walRate, double seconds)
    {
        if (last.Content is not { OldestReady: { } oldest, OldestReadySince: { } since })
        {
            return 0;
        }

        var backlog = Held(last, oldest.StartLsn(size));
        var waits = last.At - since;
        if (first.Content.OldestReady == oldest)
        {
            var mean = waits > TimeSpan.Zero ? Math.Max(0, backlog - size.Bytes) / waits.TotalSeconds : 0;
            return waits >= Patience ? Math.Max(walRate ?? 0, mean) : 0;
        }

        // It works. Whether it keeps up is seen when more than one segment waits at both ends.
        return seconds > 0 && first.Content is { OldestReady: { } before, Ready: > 1 } && last.Content.Ready > 1
            ? Math.Max(0, (backlog - Held(first, before.StartLsn(size))) / seconds)
            : 0;
    }

    // Up to max_wal_size a slot keeps what is kept anyway; and one that would be given up before the disk is full cannot fill it.
    static bool IsHolding(ReplicationSlot slot, long room) =>
        slot is { RestartLsn: not null, WalStatus: "extended" or "unreserved" } && (slot.SafeWalSize is not { } safe || safe >= room);

    static double Held(PgWalSample sample, Lsn from) => Math.Max(0, Distance(from, sample.Position));

    static double Distance(Lsn from, Lsn to) => (double)to.Value - from.Value;

    static TimeSpan? Until(long room, double rate)
    {
        var seconds = rate > 0 ? room / rate : double.PositiveInfinity;
        return seconds < Forever.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
    }
}
