using System.Globalization;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Recovery;

/// <summary>The moment a cluster is brought back to ("Recovery Target" in PostgreSQL's manual).</summary>
public sealed record RecoveryTarget
{
    /// <summary>Restore point names: MAXFNAMELEN - 1.</summary>
    const int LongestName = 63;

    RecoveryTarget(RecoveryTargetKind kind, string value, bool inclusive)
    {
        Kind = kind;
        Value = value;
        Inclusive = inclusive;
    }

    public static RecoveryTarget Latest { get; } = new(RecoveryTargetKind.Latest, "latest", inclusive: true);

    public static RecoveryTarget Immediate { get; } = new(RecoveryTargetKind.Immediate, "immediate", inclusive: true);

    public RecoveryTargetKind Kind { get; }

    /// <summary>As PostgreSQL reads it in the setting of the kind: a time in UTC with offset, an LSN, a number, a name.</summary>
    public string Value { get; }

    /// <summary>Whether a transaction exactly at the target is part of the result. Means nothing for latest, immediate and name.</summary>
    public bool Inclusive { get; }

    /// <summary>The moment of a time target, whole microseconds.</summary>
    public DateTimeOffset? Time { get; private init; }

    public Lsn? Lsn { get; private init; }

    /// <param name="time">Cut to whole microseconds, PostgreSQL's resolution.</param>
    public static RecoveryTarget AtTime(DateTimeOffset time, bool inclusive = true)
    {
        var utc = time.ToUniversalTime();
        utc = utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerMicrosecond));
        return new RecoveryTarget(RecoveryTargetKind.Time, utc.ToString("yyyy-MM-dd HH:mm:ss.ffffff+00", CultureInfo.InvariantCulture), inclusive) { Time = utc };
    }

    public static RecoveryTarget AtLsn(Lsn lsn, bool inclusive = true) =>
        new(RecoveryTargetKind.Lsn, lsn.ToString(), inclusive) { Lsn = lsn };

    /// <param name="xid">A transaction id as pg_current_xact_id() and logs show it; recovery compares its low 32 bits.</param>
    /// <exception cref="FormatException">0, 1 and 2 are no transactions of users.</exception>
    public static RecoveryTarget AtXid(ulong xid, bool inclusive = true) =>
        (uint)xid >= 3
            ? new RecoveryTarget(RecoveryTargetKind.Xid, xid.ToString(CultureInfo.InvariantCulture), inclusive)
            : throw new FormatException($"{xid.ToString(CultureInfo.InvariantCulture)} is not a transaction id: those start at 3");

    /// <exception cref="FormatException">Empty, longer than 63 bytes, or with control characters.</exception>
    public static RecoveryTarget AtName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var length = System.Text.Encoding.UTF8.GetByteCount(name);
        if (length is 0 or > LongestName || name.Any(char.IsControl))
        {
            throw new FormatException($"a restore point's name has 1 to {LongestName} bytes and no control characters");
        }

        return new RecoveryTarget(RecoveryTargetKind.Name, name, inclusive: true);
    }

    /// <summary>
    /// A time with its zone: ISO 8601 (<c>2026-11-21T03:15:00Z</c>) or as PostgreSQL prints it (<c>2026-11-21 03:15:00.123456+09</c>).
    /// </summary>
    /// <exception cref="FormatException">Unreadable, or without zone: the message then shows what it would be in UTC and in the local zone.</exception>
    public static RecoveryTarget ParseTime(string text, bool inclusive = true, TimeProvider? timeProvider = null) =>
        AtTime(RecoveryTime.Parse(text, (timeProvider ?? TimeProvider.System).LocalTimeZone), inclusive);

    public override string ToString() => Kind switch
    {
        RecoveryTargetKind.Latest or RecoveryTargetKind.Immediate => Value,
        _ => $"{Kind.ToString().ToLowerInvariant()} {Value}{(Inclusive ? "" : " (exclusive)")}",
    };
}
