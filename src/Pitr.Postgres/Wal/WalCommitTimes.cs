namespace Pitr.Postgres.Wal;

/// <summary>
/// Earliest and latest commit time found in a WAL segment, in microseconds since 2000-01-01 00:00 UTC (PostgreSQL's TimestampTz); 0 in both
/// when the segment holds no whole commit record. Commit times need not rise with the position in the WAL, so these are minimum and maximum.
/// </summary>
public readonly record struct WalCommitTimes(long First, long Last)
{
    public static WalCommitTimes None => default;

    public bool IsNone => First == 0 && Last == 0;

    /// <summary>The moment as a date; <paramref name="microseconds"/> as in this record.</summary>
    public static DateTimeOffset ToDateTimeOffset(long microseconds) => PostgresEpoch.FromMicroseconds(microseconds);
}
