namespace Pitr.Postgres.Tests;

public class PostgresEpochTests
{
    [Theory]
    [InlineData(0, "2000-01-01T00:00:00.0000000+00:00")]
    [InlineData(848569772888526, "2026-11-21T09:49:32.8885260+00:00")]
    [InlineData(-1, "1999-12-31T23:59:59.9999990+00:00")]
    public void Counts_microseconds_from_the_year_2000(long microseconds, string moment)
    {
        Assert.Equal(moment, PostgresEpoch.FromMicroseconds(microseconds).ToString("O"));
        Assert.Equal(microseconds, PostgresEpoch.ToMicroseconds(PostgresEpoch.FromMicroseconds(microseconds)));
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Refuses_moments_no_date_can_hold(long microseconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PostgresEpoch.FromMicroseconds(microseconds));
}
