using Pitr.Format.Wal;
using Pitr.Operations.Archive.Prefetch;
using Pitr.Operations.Errors;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Archive.Prefetch;

/// <summary>A recovery is served faster, and told the same.</summary>
public class PrefetchingGetTests
{
    [Fact]
    public async Task A_recovery_gets_every_segment_as_it_was_and_each_is_read_once()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 3, 22);

        for (var number = 3UL; number <= 22; number++)
        {
            var name = PrefetchScenario.Name(number);
            Assert.Equal(File.ReadAllBytes(Path.Combine(prefetch.Scenario["pg_wal"], name)), await prefetch.AskAsync(name));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(prefetch.Server.Segment));
        }

        Assert.Null(await prefetch.AskAsync(PrefetchScenario.Name(23)));
        Assert.All(Enumerable.Range(3, 20), n => Assert.Equal(1, prefetch.Questions(PrefetchScenario.Name((ulong)n))));
    }

    [Fact]
    public async Task Not_more_is_fetched_ahead_than_configured()
    {
        await using var prefetch = await PrefetchScenario.StartAsync(prefetch: 100, mebibytes: 5);
        await prefetch.Scenario.PushRunAsync(1, 1, 30);

        for (var number = 1UL; number <= 20; number++)
        {
            await prefetch.AskAsync(PrefetchScenario.Name(number));
            Assert.InRange(prefetch.Spooled.Length, 0, 5);
            // How far it looks ahead grows with what it had ready.
            await prefetch.UntilAsync(() => prefetch.Spooled.Contains(PrefetchScenario.Name(number + 1)));
        }

        await prefetch.UntilAsync(() => prefetch.Spooled.SequenceEqual(Enumerable.Range(21, 5).Select(n => PrefetchScenario.Name((ulong)n))));
        Assert.Equal(0, prefetch.Questions(PrefetchScenario.Name(26)));
    }

    [Fact]
    public async Task Nobody_but_a_recovering_server_is_fetched_ahead_for()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 4);

        await prefetch.Get.GetAsync(WalFileName.Parse(PrefetchScenario.Name(1)), prefetch.Scenario["RECOVERYXLOG"], default, default);
        await prefetch.Get.GetAsync(WalFileName.Parse(PrefetchScenario.Name(1)), prefetch.Server["pg_wal/by-hand"], default, default);
        prefetch.Server.Promote();
        await prefetch.AskAsync(PrefetchScenario.Name(1));

        Assert.Equal(0, prefetch.Get.Recoveries);
        Assert.False(Directory.Exists(prefetch.SpoolRoot));
    }

    [Fact]
    public async Task Switched_off_every_segment_is_asked_for_when_it_is_wanted()
    {
        await using var prefetch = await PrefetchScenario.StartAsync(prefetch: 0);
        await prefetch.Scenario.PushRunAsync(1, 1, 4);

        Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(1)));

        Assert.Equal((0, 0), (prefetch.Get.Recoveries, prefetch.Questions(PrefetchScenario.Name(2))));
    }

    [Fact]
    public async Task A_standby_that_keeps_asking_gets_a_segment_as_soon_as_it_is_there_and_does_not_hammer_the_repository()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 6);
        for (var number = 1UL; number <= 6; number++)
        {
            Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(number)));
        }

        Assert.Null(await prefetch.AskAsync(PrefetchScenario.Name(7)));
        await prefetch.UntilAsync(() => prefetch.Get.Segments == 0);
        var before = prefetch.Scenario.Store.Calls.Count(c => c.Key.Contains("/wal/", StringComparison.Ordinal));
        for (var i = 0; i < 10; i++)
        {
            Assert.Null(await prefetch.AskAsync(PrefetchScenario.Name(7)));
        }

        // The segment, its pieces, and once more the segment, which may have taken the place of its pieces.
        Assert.Equal(before + 30, prefetch.Scenario.Store.Calls.Count(c => c.Key.Contains("/wal/", StringComparison.Ordinal)));

        await prefetch.Scenario.PushSegmentAsync(PrefetchScenario.Name(7), 7);
        Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(7)));
        await prefetch.UntilAsync(() => prefetch.Get.Segments == 0);
        Assert.InRange(prefetch.Scenario.Store.Calls.Count(c => c.Key.Contains("/wal/", StringComparison.Ordinal)) - before, 32, 34);
    }

    [Fact]
    public async Task At_a_branch_the_next_timeline_is_fetched_ahead()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 7);
        await prefetch.Scenario.PushTextAsync("00000002.history", "1\t0/500028\tbefore 2000-01-01 00:00:00+00\n");
        await prefetch.Scenario.PushRunAsync(2, 5, 9);

        Assert.NotNull(await prefetch.AskAsync("00000002.history"));
        Assert.Null(await prefetch.AskAsync("00000003.history"));
        for (var number = 1UL; number <= 9; number++)
        {
            var name = PrefetchScenario.Name(number, number < 5 ? 1u : 2u);
            Assert.Equal(File.ReadAllBytes(Path.Combine(prefetch.Scenario["pg_wal"], name)), await prefetch.AskAsync(name));
        }

        // What the old timeline has behind the branch is of no use.
        Assert.All([5, 6, 7], n => Assert.Equal(0, prefetch.Questions(PrefetchScenario.Name((ulong)n))));
        Assert.All([5, 6, 7, 8, 9], n => Assert.Equal(1, prefetch.Questions(PrefetchScenario.Name((ulong)n, 2))));
    }

    [Fact]
    public async Task Where_the_new_timeline_has_no_segment_yet_its_parents_is_fetched_ahead_and_the_new_one_is_still_asked_for()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 3);
        await prefetch.Scenario.PushTextAsync("00000002.history", "1\t0/300028\tno recovery target specified\n");
        // Kept by PostgreSQL from before this process began.
        File.WriteAllText(prefetch.Server["pg_wal/00000002.history"], "1\t0/300028\tno recovery target specified\n");

        Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(1)));
        Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(2)));
        await prefetch.UntilAsync(() => prefetch.Spooled.Contains(PrefetchScenario.Name(3)));
        Assert.Null(await prefetch.AskAsync(PrefetchScenario.Name(3, 2)));
        Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(3)));

        // Fetched ahead once; asked for twice, before and after its pieces.
        Assert.Equal((3, 1), (prefetch.Questions(PrefetchScenario.Name(3, 2)), prefetch.Questions(PrefetchScenario.Name(3))));
    }

    [Fact]
    public async Task A_segment_that_is_being_fetched_is_waited_for()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 2);
        var slow = prefetch.Scenario.Store.Inject(StoreFault.Hold(StoreOperation.Read).On(k => k == prefetch.Scenario.KeyOf(PrefetchScenario.Name(2))));

        await prefetch.AskAsync(PrefetchScenario.Name(1));
        await slow.Reached;
        var asking = prefetch.AskAsync(PrefetchScenario.Name(2));
        slow.Release();

        Assert.NotNull(await asking);
        Assert.Equal(1, prefetch.Questions(PrefetchScenario.Name(2)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repository_that_cannot_be_asked_is_never_the_end_of_the_archive(bool down)
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 4);
        var fault = (down ? StoreFault.FailBefore(StoreOperation.Read) : StoreFault.TruncateRead(300)).On(k => !k.EndsWith("0001", StringComparison.Ordinal)).Repeated(int.MaxValue);
        prefetch.Scenario.Store.Inject(fault);

        Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(1)));
        await fault.Reached;
        if (down)
        {
            await Assert.ThrowsAsync<StorageException>(() => prefetch.AskAsync(PrefetchScenario.Name(2)));
        }
        else
        {
            await Assert.ThrowsAsync<DamagedRepositoryException>(() => prefetch.AskAsync(PrefetchScenario.Name(2)));
        }

        prefetch.Scenario.Store.Heal();
        Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(2)));
        Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(3)));
    }

    [Fact]
    public async Task A_repository_that_hangs_is_given_up_at_the_deadline()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 2);
        var hanging = prefetch.Scenario.Store.Inject(StoreFault.Hold(StoreOperation.Read).On(k => k == prefetch.Scenario.KeyOf(PrefetchScenario.Name(2))).Repeated(int.MaxValue));
        await prefetch.AskAsync(PrefetchScenario.Name(1));
        await hanging.Reached;

        var asking = prefetch.AskAsync(PrefetchScenario.Name(2), TimeSpan.FromMinutes(1));
        await prefetch.UntilAsync(() => prefetch.Scenario.Clock.Waiting > 1);
        prefetch.Scenario.Clock.Advance(TimeSpan.FromSeconds(61));

        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => asking);
    }

    [Fact]
    public async Task Of_two_repositories_the_good_copy_is_fetched_ahead()
    {
        await using var prefetch = await PrefetchScenario.StartAsync(repositories: 2);
        await prefetch.Scenario.PushRunAsync(1, 1, 3);
        prefetch.Scenario.Damage(prefetch.Scenario.KeyOf(PrefetchScenario.Name(2)), 1);
        prefetch.Scenario.Damage(prefetch.Scenario.KeyOf(PrefetchScenario.Name(3)), 2);

        for (var number = 1UL; number <= 3; number++)
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(prefetch.Scenario["pg_wal"], PrefetchScenario.Name(number))), await prefetch.AskAsync(PrefetchScenario.Name(number)));
        }
    }

    [Fact]
    public async Task A_recovery_does_not_wait_for_others_that_take_all_the_room()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 3);
        using (await prefetch.Budget.TakeAsync(long.MaxValue / 2, default))
        {
            for (var number = 1UL; number <= 3; number++)
            {
                Assert.NotNull(await prefetch.AskAsync(PrefetchScenario.Name(number)));
            }
        }

        using var half = await prefetch.Budget.TakeAsync(1, default);
        using var other = await prefetch.Budget.TakeAsync(16 << 20, default);
    }
}
