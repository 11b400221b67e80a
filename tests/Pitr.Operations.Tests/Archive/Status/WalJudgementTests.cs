using Pitr.Format.Wal;
using Pitr.Operations.Archive.Status;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Tests.Archive.Status;

public class WalJudgementTests
{
    static readonly DateTimeOffset Now = Scenario.Start;
    static readonly WalStatusLimits Limits = new(TimeSpan.FromMinutes(5), TimeSpan.FromDays(1));
    static readonly ArchiverState Fine = new(10, "000000010000000000000009", Now.AddSeconds(-5), 0, null, null, null);

    static ServerWal Server(string mode = "on", bool inRecovery = false, ArchiverState? archiver = null, params ReplicationSlot[] slots) =>
        new(Now, new Lsn(1), inRecovery, mode, archiver ?? Fine, slots, null, 1 << 30, TimeSpan.FromMinutes(1));

    static WalStatus Status(ServerWal? server, int? ready = 0, double waits = 0, PgWalRunway? runway = null, int required = 1, params RepositoryWalStatus[] repositories) => new()
    {
        Service = "main",
        At = Now,
        Server = server,
        ServerUnanswered = server is null ? "nobody is there" : null,
        Ready = ready,
        ReadySince = ready > 0 ? Now.AddSeconds(-waits) : null,
        Repositories = repositories is [] ? [new RepositoryWalStatus("local", null, null, null, 0, null)] : repositories,
        Required = required,
        Runway = runway,
    };

    static WalStatus Judge(WalStatus status) => WalJudgement.Judge(status, Limits, WalSegmentSize.Default);

    [Theory]
    [InlineData(0, 0, WalArchiving.KeepsUp)]
    [InlineData(1, 200, WalArchiving.KeepsUp)]
    [InlineData(40, 20, WalArchiving.KeepsUp)]
    [InlineData(40, 60, WalArchiving.CatchesUp)]
    [InlineData(1, 299, WalArchiving.KeepsUp)]
    [InlineData(1, 301, WalArchiving.Stalls)]
    [InlineData(null, 0, WalArchiving.KeepsUp)]
    public void What_waits_and_for_how_long_says_what_archiving_does(int? ready, double waits, WalArchiving expected)
    {
        var status = Judge(Status(Server(), ready, waits));

        Assert.Equal(expected, status.Archiving);
        Assert.Equal(expected == WalArchiving.Stalls ? ["archiving-stalls"] : [], status.Problems.Select(p => p.Name));
        Assert.Empty(status.Unknown);
    }

    [Fact]
    public void A_server_whose_newest_attempt_failed_fails_however_short_it_waits()
    {
        var failing = Fine with { FailedCount = 1, LastFailedWal = "00000001000000000000000A", LastFailedTime = Now.AddSeconds(-1) };
        var status = Judge(Status(Server(archiver: failing), ready: 1, waits: 2));

        Assert.Equal((WalArchiving.Fails, "archiving-fails"), (status.Archiving, Assert.Single(status.Problems).Name));
        Assert.Contains("00000001000000000000000A", status.Problems[0].Text, StringComparison.Ordinal);
        // Succeeded since, or nothing is left to do.
        Assert.Equal(WalArchiving.KeepsUp, Judge(Status(Server(archiver: failing with { LastArchivedTime = Now }), ready: 1, waits: 2)).Archiving);
        Assert.Equal(WalArchiving.KeepsUp, Judge(Status(Server(archiver: failing), ready: 0)).Archiving);
    }

    [Fact]
    public void Archiving_that_is_off_is_wrong_and_a_standby_leaves_it_to_its_primary()
    {
        Assert.Equal(["archiving-off"], Judge(Status(Server("off"))).Problems.Select(p => p.Name));
        var standby = Judge(Status(Server(inRecovery: true)));
        Assert.Equal((WalArchiving.Standby, 0), (standby.Archiving, standby.Problems.Count));
        Assert.Equal(WalArchiving.Stalls, Judge(Status(Server("always", inRecovery: true), 3, 1000)).Archiving);
    }

    [Fact]
    public void Without_the_server_its_files_speak_and_without_both_nothing_is_known()
    {
        var silent = Judge(Status(null));
        Assert.Equal((WalArchiving.KeepsUp, 0), (silent.Archiving, silent.Problems.Count));
        Assert.Equal(["server"], silent.Unknown.Select(u => u.Name));
        Assert.Equal(WalArchiving.Stalls, Judge(Status(null, 3, 1000)).Archiving);
        Assert.Equal(WalArchiving.Unknown, Judge(Status(null, ready: null)).Archiving);
    }

    [Theory]
    [InlineData(23.9, 1000, "disk-fills")]
    [InlineData(24.1, 1000, null)]
    [InlineData(null, 16, null)]
    [InlineData(null, 15, "disk-nearly-full")]
    public void A_disk_that_lasts_less_than_a_day_is_wrong(double? hours, int segments, string? problem)
    {
        var left = hours is { } h ? TimeSpan.FromHours(h) : (TimeSpan?)null;
        var runway = new PgWalRunway(1, left is null ? 0 : 1, left is null ? null : "archiver", segments * (16L << 20), left, null);

        Assert.Equal(problem is null ? [] : [problem], Judge(Status(Server(), runway: runway)).Problems.Select(p => p.Name));
    }

    [Fact]
    public void Slots_that_lose_WAL_are_wrong()
    {
        var slots = new[] { "reserved", "extended", "unreserved", "lost" }.Select(state => new ReplicationSlot(state, "physical", false, new Lsn(1), state, null)).ToArray();

        Assert.Equal(["slot-unreserved", "slot-lost"], Judge(Status(Server(slots: slots))).Problems.Select(p => p.Name));
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(1, false)]
    public void A_silent_repository_is_wrong_only_if_archiving_needs_it(int required, bool wrong)
    {
        var status = Judge(Status(
            Server(), required: required, repositories: [new RepositoryWalStatus("r1", null, null, null, 0, null), new RepositoryWalStatus("r2", "gone", null, null, 3, Now)]));

        Assert.Equal(wrong ? ["repositories-missing"] : [], status.Problems.Select(p => p.Name));
        Assert.Equal(["repository"], status.Unknown.Select(u => u.Name));
        // One that is required knows all that was acknowledged; with fewer the silent one may know more.
        Assert.Equal(wrong ? [] : ["r2"], status.Unsearched);
    }

    [Theory]
    [InlineData(1, "1 repository must take a segment, and 0 answered")]
    [InlineData(2, "2 repositories must take a segment, and 0 answered")]
    public void Repositories_are_counted_as_people_do(int required, string expected)
    {
        var status = Judge(Status(
            Server(), required: required, repositories: [.. Enumerable.Range(0, required).Select(i => new RepositoryWalStatus($"r{i}", "gone", null, null, 0, null))]));

        Assert.Equal(expected, Assert.Single(status.Problems).Text);
        Assert.Equal(required, status.Unsearched.Count);
    }
}
