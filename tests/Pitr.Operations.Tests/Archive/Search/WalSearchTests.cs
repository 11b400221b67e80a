using Pitr.Format.Wal;
using Pitr.Operations.Archive.Search;
using Pitr.Operations.Errors;
using Pitr.Postgres.Tests.Wal;
using Pitr.Postgres.Wal.Footprints;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Archive.Search;

/// <summary>
/// The archive of most tests: segments 1 to 8 of 1 MiB, in segment n a commit of transaction 1000 + n at n minutes after the start; the one of segment 4
/// removes a relation's files; the one of segment 6 begins in segment 5.
/// </summary>
public class WalSearchTests
{
    static readonly DateTimeOffset Start = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Every_commit_is_found_once_in_order()
    {
        await using var scenario = await StartAsync();

        var report = await SearchAsync(scenario, WalSearchKinds.Commit);

        Assert.Equal(Enumerable.Range(1, 8).Select(n => (uint?)(1000 + n)), report.Findings.Select(f => f.Transaction));
        Assert.Equal((8, 8, 0), (report.Found, report.Commits, report.Problems.Count));
        Assert.Equal((Micro(1), Micro(8)), (report.FirstCommit, report.LastCommit));
        Assert.Equal((Name(1), Name(8)), (report.First.ToString(), report.Last.ToString()));
    }

    [Theory]
    [InlineData(1, 8, "1,2,3,4,5,6,7,8")]
    [InlineData(3, 3, "3")]
    [InlineData(5.5, 6, "6")] // the record begins in segment 5, the header of 6 does not have it if it was pushed alone
    [InlineData(2.5, 2.9, "")]
    [InlineData(0, 0.5, "")]
    [InlineData(9, 10, "")]
    public async Task Two_times_enclose_what_was_committed_between_them(double from, double to, string expected)
    {
        foreach (var alone in new[] { false, true })
        {
            await using var scenario = await StartAsync(alone);
            var report = await SearchAsync(scenario, WalSearchKinds.Commit, At(from), At(to));
            Assert.Equal(expected, string.Join(',', report.Findings.Select(f => f.Transaction - 1000)));
        }
    }

    [Fact]
    public async Task Segments_whose_header_is_out_of_range_are_not_opened()
    {
        await using var scenario = await StartAsync();
        foreach (var number in new[] { 1, 2, 8 })
        {
            scenario.Damage(scenario.KeyOf(Name(number)));
        }

        var report = await SearchAsync(scenario, WalSearchKinds.RestorePoint, At(4), At(5));

        // One more on each side, for commits that lie in two segments; and the one before, which costs nothing if it is damaged.
        Assert.Equal((0, Name(3), Name(7)), (report.Problems.Count, report.First.ToString(), report.Last.ToString()));
        Assert.Equal(6, report.SegmentsRead);
    }

    [Fact]
    public async Task Positions_and_restore_points_are_moments_too()
    {
        await using var scenario = await StartAsync();
        var all = (await SearchAsync(scenario, WalSearchKinds.Commit)).Findings;

        var positions = await SearchAsync(scenario, WalSearchKinds.Commit, all[2].Position.ToString(), all[5].Position.ToString());
        var points = await SearchAsync(scenario, WalSearchKinds.Commit | WalSearchKinds.RestorePoint, "point 2", "point 5");

        Assert.Equal([1003u, 1004u, 1005u, 1006u], positions.Findings.Select(f => f.Transaction!.Value));
        Assert.Equal("point 2,1003,point 3,1004,point 4,1005,point 5", string.Join(',', points.Findings.Select(f => f.RestorePoint ?? $"{f.Transaction}")));
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => SearchAsync(scenario, WalSearchKinds.Commit, "nowhere"));
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => SearchAsync(scenario, WalSearchKinds.Commit, "point 5", "point 2"));
        await Assert.ThrowsAsync<RefusedInputException>(() => SearchAsync(scenario, WalSearchKinds.Commit, At(3), At(2)));
    }

    [Fact]
    public async Task Removed_files_are_shown_with_the_position_to_stop_before_and_unknown_names_as_such()
    {
        await using var scenario = await StartAsync();
        await scenario.PutBackupAsync(Start, 2, 2);

        var report = await SearchAsync(scenario, WalSearchKinds.Default);

        var finding = Assert.Single(report.Findings, f => f.RestorePoint is null);
        var footprint = Assert.Single(finding.Footprints);
        Assert.Equal((1004u, finding.Position, "20261121T030000Z", true), (finding.Transaction, finding.StopBefore, finding.Backup, finding.IsDestructive));
        Assert.Equal((FootprintKind.Drop, 5u, null, 20_000u), (footprint.Kind, footprint.Database, footprint.Name, footprint.File!.Value.Number));

        // What has no name may be the relation that is looked for.
        Assert.Equal(1004u, Assert.Single((await SearchAsync(scenario, WalSearchKinds.Default, relation: "orders")).Findings).Transaction);
    }

    [Fact]
    public async Task Before_the_first_backup_there_is_no_way_back()
    {
        await using var scenario = await StartAsync();
        await scenario.PutBackupAsync(Start, 5, 5);

        Assert.Null(Assert.Single((await SearchAsync(scenario, WalSearchKinds.Drop)).Findings).Backup);
    }

    [Fact]
    public async Task The_newest_are_kept()
    {
        await using var scenario = await StartAsync();

        var report = await SearchAsync(scenario, WalSearchKinds.Commit, limit: 3);

        Assert.Equal([1006u, 1007u, 1008u], report.Findings.Select(f => f.Transaction!.Value));
        Assert.Equal(8, report.Found);
    }

    [Fact]
    public async Task Gaps_and_unreadable_segments_are_reported_and_the_rest_is_found()
    {
        await using var scenario = await StartAsync();
        File.Delete(scenario.PathOf(scenario.KeyOf(Name(2))));
        File.Delete(scenario.PathOf(scenario.KeyOf(Name(3))));
        scenario.Damage(scenario.KeyOf(Name(7)));

        var report = await SearchAsync(scenario, WalSearchKinds.Commit);

        Assert.Equal([1001u, 1004u, 1005u, 1006u, 1008u], report.Findings.Select(f => f.Transaction!.Value));
        Assert.Equal(2, report.Problems.Count);
        Assert.Equal((Name(2), Name(3), true), (report.Problems[0].First.ToString(), report.Problems[0].Last.ToString(), report.Problems[0].IsGap));
        Assert.Equal((Name(7), false), (report.Problems[1].First.ToString(), report.Problems[1].IsGap));
        Assert.IsType<DamagedRepositoryException>(report.Problems[1].Error);

        // Outside the two moments it is nobody's business.
        Assert.Empty((await SearchAsync(scenario, WalSearchKinds.RestorePoint, At(4.5), At(4.6))).Problems);
    }

    [Fact]
    public async Task WAL_that_makes_no_sense_is_a_problem_with_a_place()
    {
        await using var scenario = await Scenario.StartAsync();
        var wal = Written();
        foreach (var (name, content) in wal.Segments())
        {
            if (name.Segment == 4)
            {
                content[100_000] ^= 1;
            }

            await scenario.Push.PushAsync(scenario.Write(name.ToString(), content), default);
        }

        var report = await SearchAsync(scenario, WalSearchKinds.Commit);

        // The flipped byte is in a record nobody looks into, so all is found; a page header is looked at always.
        Assert.Equal(8, report.Found);
        await using var other = await Scenario.StartAsync();
        foreach (var (name, content) in wal.Segments())
        {
            if (name.Segment == 4)
            {
                content[8192 * 3] ^= 1;
            }

            await other.Push.PushAsync(other.Write(name.ToString(), content), default);
        }

        report = await SearchAsync(other, WalSearchKinds.Commit);
        var problem = Assert.Single(report.Problems);
        Assert.Contains("page header", problem.Error.Message, StringComparison.Ordinal);
        Assert.Contains("0/406000", problem.Error.Message, StringComparison.Ordinal);
        // What lies before the damage is found, and what lies in the next segment.
        Assert.Contains(report.Findings, f => f.Transaction == 1004);
        Assert.Contains(report.Findings, f => f.Transaction == 1005);
    }

    [Fact]
    public async Task A_repository_that_may_hold_more_makes_it_incomplete()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        await FillAsync(scenario, alone: false);
        await WaitForAsync(scenario);
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.List).Repeated(int.MaxValue));

        var report = await SearchAsync(scenario, WalSearchKinds.Commit);

        Assert.Equal(8, report.Found);
        Assert.IsType<RepositoryUnavailableException>(Assert.Single(report.Problems, p => p.First is null).Error);
    }

    [Fact]
    public async Task Nothing_archived_or_no_such_timeline_is_refused()
    {
        await using var empty = await Scenario.StartAsync();
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => SearchAsync(empty, WalSearchKinds.Default));

        await using var scenario = await StartAsync();
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => new WalSearch(scenario.Service).RunAsync(
            new WalSearchRequest(null, null, WalSearchKinds.Default, null, 10, "7", AskServer: false), new Progress(), default));
    }

    [Theory]
    [InlineData("16/B374D848", "lsn")]
    [InlineData("2026-11-21 03:15:00+09", "time")]
    [InlineData("2026-11-21T03:15:00Z", "time")]
    [InlineData("before_migration", "name")]
    [InlineData("2026 migration", "name")]
    public void A_moment_is_told_by_its_form(string text, string expected)
    {
        var moment = WalMoment.Parse(text);
        Assert.Equal(expected, moment.Time is not null ? "time" : moment.Lsn is not null ? "lsn" : "name");
    }

    [Theory]
    [InlineData("2026-11-21 03:15:00")]
    [InlineData("2026-13-21 03:15:00Z")]
    [InlineData("")]
    public void A_moment_without_zone_or_sense_is_refused(string text) => Assert.Throws<RefusedInputException>(() => WalMoment.Parse(text));

    static Task<WalSearchReport> SearchAsync(
        Scenario scenario, WalSearchKinds kinds, string? from = null, string? to = null, string? relation = null, int limit = 100) =>
        new WalSearch(scenario.Service).RunAsync(
            new WalSearchRequest(from is null ? null : WalMoment.Parse(from), to is null ? null : WalMoment.Parse(to), kinds, relation, limit, AskServer: false), new Progress(), default);

    static async Task<Scenario> StartAsync(bool alone = false)
    {
        var scenario = await Scenario.StartAsync();
        await FillAsync(scenario, alone);
        return scenario;
    }

    // Alone: each segment is pushed from an otherwise empty pg_wal, as when the one before is gone already.
    static async Task FillAsync(Scenario scenario, bool alone)
    {
        foreach (var (name, content) in Written().Segments())
        {
            var path = scenario.Write(name.ToString(), content);
            await scenario.Push.PushAsync(path, default);
            if (alone)
            {
                File.Delete(path);
            }
        }
    }

    // Only one repository is required: the other gets it in its own time.
    static async Task WaitForAsync(Scenario scenario)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while ((await scenario.KeysAsync(prefix: "services/main/wal/")).Count < 8)
        {
            await Task.Delay(20, deadline.Token);
        }
    }

    static WalStream Written()
    {
        var wal = new WalStream(systemIdentifier: WalSample.SystemIdentifier);
        for (var n = 1; n <= 8; n++)
        {
            if (n != 6)
            {
                wal.Commit((uint)(1000 + n), Start.AddMinutes(n), 0, n == 4 ? [(1663, 5, 20_000)] : []);
            }

            wal.RestorePoint($"point {n}", Start.AddMinutes(n));
            for (var i = 0; i < 100; i++)
            {
                wal.Other(2000);
            }

            if (n == 5)
            {
                wal.FillUntil(24);
                wal.Commit(1006, Start.AddMinutes(6));
            }
            else
            {
                wal.Switch();
            }
        }

        return wal;
    }

    static string At(double minutes) => Start.AddMinutes(minutes).ToString("yyyy-MM-dd HH:mm:ss.ffffffzzz");

    static long Micro(double minutes) => WalStream.Microseconds(Start.AddMinutes(minutes));

    static string Name(int number) => WalSegmentName.FromNumber(new Timeline(1), (ulong)number, WalSample.Small).ToString();

    sealed class Progress : IProgress<WalSearchProgress>
    {
        public void Report(WalSearchProgress value) => Assert.InRange(value.Bytes, 0, value.TotalBytes);
    }
}
