namespace Pitr.Postgres;

/// <summary>PostgreSQL's timestamps count microseconds from 2000-01-01 00:00 UTC (src/include/datatype/timestamp.h).</summary>
public static class PostgresEpoch
{
    static readonly DateTimeOffset Start = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <exception cref="ArgumentOutOfRangeException">Before year 1 or after year 9999.</exception>
    public static DateTimeOffset FromMicroseconds(long microseconds)
    {
        var ticks = (Int128)microseconds * TimeSpan.TicksPerMicrosecond + Start.Ticks;
        if (ticks < DateTimeOffset.MinValue.Ticks || ticks > DateTimeOffset.MaxValue.Ticks)
        {
            throw new ArgumentOutOfRangeException(nameof(microseconds), microseconds, "the moment is outside the years 1 to 9999");
        }

        return new DateTimeOffset((long)ticks, TimeSpan.Zero);
    }

    /// <summary>Whole microseconds; a fraction of one is cut off.</summary>
    public static long ToMicroseconds(DateTimeOffset moment) => (moment.UtcTicks - Start.Ticks) / TimeSpan.TicksPerMicrosecond;
}
