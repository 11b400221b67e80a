namespace Pitr.Operations.Archive;

/// <summary>PostgreSQL's TimestampTz: microseconds since 2000-01-01 00:00 UTC (PostgreSQL src/include/datatype/timestamp.h).</summary>
public static class WalTime
{
    static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The moment of a TimestampTz.</summary>
    public static DateTimeOffset FromMicroseconds(long microseconds) => Epoch.AddMicroseconds(microseconds);
}
