using Pitr.Format.Wal;
using Pitr.Postgres.Recovery;

namespace Pitr.Postgres.Tests.Recovery;

public class RecoveryTargetTests
{
    [Theory]
    [InlineData("2026-11-21T03:15:00Z", "2026-11-21 03:15:00.000000+00")]
    [InlineData("2026-11-21t03:15:00z", "2026-11-21 03:15:00.000000+00")]
    [InlineData("2026-11-21 03:15:00+09", "2026-11-20 18:15:00.000000+00")]
    [InlineData("2026-11-21 03:15:00.5+09:00", "2026-11-20 18:15:00.500000+00")]
    [InlineData("2026-11-21 03:15:00,123456-0330", "2026-11-21 06:45:00.123456+00")]
    [InlineData("2026-11-21 03:15:00 +05:45", "2026-11-20 21:30:00.000000+00")]
    [InlineData("2026-11-21 03:15:00 UTC", "2026-11-21 03:15:00.000000+00")]
    [InlineData("2026-11-21 03:15 GMT", "2026-11-21 03:15:00.000000+00")]
    [InlineData("  2026-11-21   03:15:00.000001+00  ", "2026-11-21 03:15:00.000001+00")]
    [InlineData("2026-11-21T03:15:00.999999+14:00", "2026-11-20 13:15:00.999999+00")]
    [InlineData("2024-02-29 23:59:59-12", "2024-03-01 11:59:59.000000+00")]
    public void Reads_times_with_a_zone_and_keeps_them_in_UTC(string text, string value)
    {
        var target = RecoveryTarget.ParseTime(text);

        Assert.Equal(RecoveryTargetKind.Time, target.Kind);
        Assert.Equal(value, target.Value);
        Assert.Equal(TimeSpan.Zero, target.Time!.Value.Offset);
        Assert.Equal(target, RecoveryTarget.ParseTime(target.Value));
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2026-11-21")]
    [InlineData("21.11.2026 03:15:00+00")]
    [InlineData("2026-13-21 03:15:00+00")]
    [InlineData("2026-02-29 03:15:00+00")]
    [InlineData("2026-11-21 24:00:00+00")]
    [InlineData("2026-11-21 03:60:00+00")]
    [InlineData("2026-11-21 03:15:60+00")]
    [InlineData("2026-11-21 03:15:00.1234567+00")]
    [InlineData("2026-11-21 03:15:00+15")]
    [InlineData("2026-11-21 03:15:00+09:60")]
    [InlineData("2026-11-21 03:15:00+9")]
    [InlineData("2026-11-21 03:15:00 JST")]
    [InlineData("2026-11-21 03:15:00 Asia/Tokyo")]
    [InlineData("0001-01-01 00:00:00+09")]
    [InlineData("2026-11-21 03:15:00+00\nrecovery_target = 'immediate'")]
    public void Refuses_what_is_not_a_time(string text) =>
        Assert.Throws<FormatException>(() => RecoveryTarget.ParseTime(text));

    [Fact]
    public void Refuses_a_time_without_zone_and_shows_both_readings()
    {
        var tokyo = new FixedZone(TimeZoneInfo.CreateCustomTimeZone("Asia/Tokyo", TimeSpan.FromHours(9), "Tokyo", "Tokyo"));

        var error = Assert.Throws<FormatException>(() => RecoveryTarget.ParseTime("2026-11-21 03:15:00.25", timeProvider: tokyo));

        Assert.Equal(
            "time \"2026-11-21 03:15:00.25\" has no time zone: write \"2026-11-21 03:15:00.250000+00\" for UTC, or \"2026-11-21 03:15:00.250000+09:00\" "
            + "for the local zone Asia/Tokyo, which is 2026-11-20 18:15:00.250000+00",
            error.Message);
    }

    [Theory]
    [InlineData("2026-03-29 02:30:00", "the clocks skip that hour")]
    [InlineData("2026-10-25 02:30:00", "the clocks show that hour twice")]
    public void Says_when_the_local_reading_is_no_single_moment(string text, string remark)
    {
        var berlin = new FixedZone(TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"));

        var error = Assert.Throws<FormatException>(() => RecoveryTarget.ParseTime(text, timeProvider: berlin));
        Assert.Contains(remark, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cuts_times_to_microseconds()
    {
        var time = new DateTimeOffset(2026, 11, 21, 3, 15, 0, TimeSpan.FromHours(9)).AddTicks(1_234_569);

        Assert.Equal("2026-11-20 18:15:00.123456+00", RecoveryTarget.AtTime(time).Value);
    }

    [Fact]
    public void Says_what_it_is()
    {
        Assert.Equal("latest", RecoveryTarget.Latest.ToString());
        Assert.Equal("lsn 16/B374D848 (exclusive)", RecoveryTarget.AtLsn(Lsn.Parse("16/B374D848"), inclusive: false).ToString());
        Assert.Equal("xid 4242", RecoveryTarget.AtXid(4242).ToString());
        Assert.Equal("name before the migration", RecoveryTarget.AtName("before the migration").ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\nb")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123")]
    public void Refuses_names_no_restore_point_has(string name) =>
        Assert.Throws<FormatException>(() => RecoveryTarget.AtName(name));

    [Fact]
    public void Refuses_transaction_ids_no_user_has() =>
        Assert.Throws<FormatException>(() => RecoveryTarget.AtXid(2));

    sealed class FixedZone(TimeZoneInfo zone) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => zone;
    }
}
