using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Drill;
using Pitr.Operations.Restore;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Tests.Drill;

public class RecoveryPointTests
{
    static readonly DateTimeOffset Requested = Scenario.Start.AddHours(2);
    static readonly WalSegmentSize Size = WalSample.Small;

    [Fact]
    public void Everything_the_live_server_had_written_means_zero()
    {
        var point = Measure(RecoveryTarget.Latest, "0/900200", Requested.AddHours(-1), new RecoveryPoint.LiveServer(Lsn.Parse("0/900200"), 60, true));

        Assert.Equal(0, point.Seconds);
    }

    [Fact]
    public void A_lost_server_is_measured_from_the_last_recovered_commit()
    {
        Assert.Equal(90, Measure(RecoveryTarget.Latest, "0/900200", Requested.AddSeconds(-90), null).Seconds);
        Assert.Equal(7200 - 60, Measure(RecoveryTarget.Latest, "0/900200", null, null).Seconds);
        Assert.Equal(0, Measure(RecoveryTarget.Latest, "0/900200", Requested.AddSeconds(3), null).Seconds);
    }

    [Theory]
    [InlineData("0/A00200", 60, true, 60)] // only the current segment is missing
    [InlineData("0/A00200", 7200, true, 3600)] // the commit is a better bound
    [InlineData("0/A00200", 0, true, 3600)] // nothing bounds the segment's age
    [InlineData("0/A00200", 60, false, 3600)] // archiving fails: it may hang for long
    [InlineData("0/B00200", 60, true, 3600)] // a finished segment is missing
    public void An_idle_server_does_not_look_like_a_lossy_one(string live, int timeout, bool isArchiving, double seconds)
    {
        var point = Measure(RecoveryTarget.Latest, "0/900200", Requested.AddHours(-1), new RecoveryPoint.LiveServer(Lsn.Parse(live), timeout, isArchiving));

        Assert.Equal(seconds, point.Seconds);
    }

    [Fact]
    public void Targets_that_are_reached_lose_nothing_and_others_are_not_measured()
    {
        Assert.Equal(0, Measure(RecoveryTarget.AtTime(Requested.AddHours(-1)), "0/900200", Requested.AddHours(-3), null).Seconds);
        foreach (var target in new[] { RecoveryTarget.Immediate, RecoveryTarget.AtName("here"), RecoveryTarget.AtXid(777), RecoveryTarget.AtLsn(Lsn.Parse("0/900200")) })
        {
            Assert.Null(Measure(target, "0/900200", Requested, null).Seconds);
        }
    }

    static RecoveryPoint Measure(RecoveryTarget target, string replayed, DateTimeOffset? lastTransaction, RecoveryPoint.LiveServer? live)
    {
        var last = WalSegmentName.FromNumber(new Timeline(1), 9, Size);
        var backup = new BackupDocument
        {
            Id = "20261121T030000Z",
            Service = "main",
            Method = "stream",
            Host = "here",
            PitrVersion = "0",
            Started = Scenario.Start,
            Finished = Scenario.Start.AddMinutes(1),
            StopTime = Scenario.Start.AddMinutes(1),
            Label = "pitr",
            StartLsn = new Lsn(0x200028),
            StopLsn = new Lsn(0x200138),
            StartWal = "000000010000000000000002",
            StopWal = "000000010000000000000002",
            Timeline = 1,
            SystemIdentifier = "1",
            PostgresVersion = 150018,
            WalSegmentSize = Size.Bytes,
            PageSize = 8192,
            ChecksumVersion = 1,
            DatabaseBytes = 1,
            StoredBytes = 1,
            Files = 1,
            Manifest = new StoredObject("m", 1, ""),
            Packs = [],
            DataKeys = [],
        };
        var plan = new RestorePlan(backup, "", target, [new Timeline(1)], WalSegmentName.Parse(backup.StartWal), last, 8, null, 1, 1);
        return RecoveryPoint.Measure(plan, new ReplayState(false, false, Lsn.Parse(replayed), lastTransaction), live, Requested, Size);
    }
}
