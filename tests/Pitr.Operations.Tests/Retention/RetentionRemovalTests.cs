using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Retention;
using Pitr.Storage;
using static Pitr.Operations.Tests.Repositories.PlantedBackups;

namespace Pitr.Operations.Tests.Retention;

/// <summary>Backups and WAL go from repositories by the rules, and nothing goes that is needed, whatever fails in between.</summary>
public class RetentionRemovalTests
{
    // The present is 30 hours after the first backup; a backup every six hours, and a segment every hour.
    static readonly RetentionSettings Settings = new(TimeSpan.FromHours(8), 1, 0, 0, 0, 1);
    static readonly int[] Hours = [0, 6, 12, 18, 24];

    static string Segment(int number) => $"0000000100000000{number:X8}";

    static string Wal(string file) => RepositoryLayout.Wal(Service, WalFileName.Parse(file));

    static BackupDocument Backup(int hour) => Document(hour, own: 1) with
    {
        StartWal = Segment(hour + 1),
        StopWal = Segment(hour + 2),
        StartLsn = new Lsn((ulong)(hour + 1) << 24),
        StopLsn = new Lsn(((ulong)(hour + 2) << 24) + 100),
    };

    static RetentionChoice Choice(RemovalWorld world) => new(
        new RetentionRules(Settings, world.Clock.GetUtcNow()), [new TimelineTrace(new Timeline(1), 1, world.Clock.GetUtcNow(), world.Clock.GetUtcNow())]);

    static async Task<RemovalWorld> StartAsync(int repositories = 1, int? required = null)
    {
        var world = await RemovalWorld.StartAsync(repositories, required);
        world.Clock.Advance(TimeSpan.FromHours(30));
        foreach (var store in world.Stores)
        {
            foreach (var hour in Hours)
            {
                await PutAsync(store, Backup(hour));
            }

            for (var number = 1; number <= 31; number++)
            {
                await store.PutAsync(Wal(Segment(number)), ObjectContent.FromMemory(new byte[100 + number]), PutMode.CreateNew, default);
            }

            await store.PutAsync(Wal($"{Segment(1)}.00000028.backup"), ObjectContent.FromMemory(new byte[7]), PutMode.CreateNew, default);
            await store.PutAsync(Wal("00000001.history"), ObjectContent.FromMemory(new byte[7]), PutMode.CreateNew, default);
            store.Deleted.Clear();
        }

        return world;
    }

    static IEnumerable<string> WalIn(MortalStore store) => store.Keys.Where(key => key.StartsWith(RepositoryLayout.WalPrefix(Service), StringComparison.Ordinal));

    [Fact]
    public async Task Backups_and_wal_go_by_the_rules()
    {
        await using var world = await StartAsync(repositories: 2);
        var planned = await world.RemoveAsync(Choice(world), dryRun: true);
        var done = await world.RemoveAsync(Choice(world));

        // The window begins 22 hours after the first backup; the one before it is what it is recovered from.
        foreach (var store in world.Stores)
        {
            Assert.Equal([Entry(18), Entry(24)], RemovalWorld.EntriesIn(store).Keys.Order(StringComparer.Ordinal));
            Assert.Equal([Wal("00000001.history"), .. Enumerable.Range(19, 13).Select(n => Wal(Segment(n)))], WalIn(store));
            var wal = store.Deleted.Where(key => WalFileName.TryParse(key[(key.LastIndexOf('/') + 1)..], out _)).ToArray();
            Assert.Equal(Entry(0), store.Deleted.First(key => RepositoryKey.Parse(key).Kind != RepositoryKeyKind.Lock));
            Assert.Equal(19, wal.Length);
        }

        Assert.Equal([Id(0), Id(6), Id(12)], done.Backups.Select(b => b.Id));
        Assert.All(done.Repositories, r => Assert.Equal((19L, Enumerable.Range(1, 18).Sum(n => 100L + n) + 7), (r.WalFiles, r.WalBytes)));
        Assert.Equal(planned.Repositories.Select(r => (r.WalFiles, r.WalBytes, r.Packs)), done.Repositories.Select(r => (r.WalFiles, r.WalBytes, r.Packs)));
        world.RequireNoGarbage("end");
    }

    [Fact]
    public async Task Named_backups_go_without_wal()
    {
        await using var world = await StartAsync();
        await world.ExpireAsync(0);
        Assert.Equal(33, WalIn(world.Store).Count());
    }

    [Fact]
    public async Task A_kill_at_any_step_leaves_what_every_backup_needs_and_the_next_run_does_the_rest()
    {
        for (var step = 0; ; step++)
        {
            await using var world = await StartAsync();
            world.Fate.KillAt(step, after: step % 2 == 0);
            try
            {
                await world.RemoveAsync(Choice(world));
            }
            catch (Exception) when (world.Fate.HasStruck)
            {
                // The killed.
            }

            var survived = !world.Fate.HasStruck;
            world.Fate.Spare();
            foreach (var (key, entry) in RemovalWorld.EntriesIn(world.Store))
            {
                Assert.True(world.Store.Keys.Contains(Wal(entry.StartWal)) && world.Store.Keys.Contains(Wal(entry.StopWal)), $"step {step}: {key} lacks its WAL");
            }

            Assert.Superset(Enumerable.Range(19, 13).Select(n => Wal(Segment(n))).ToHashSet(), WalIn(world.Store).ToHashSet());
            if (survived)
            {
                Assert.True(step > 10, $"only {step} steps");
                return;
            }

            // The lease of the dead one expires.
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            await world.RemoveAsync(Choice(world));
            Assert.Equal(14, WalIn(world.Store).Count());
        }
    }

    [Fact]
    public async Task Nothing_goes_when_a_repository_cannot_be_listed()
    {
        await using var world = await StartAsync();
        world.Store.Failing = key => key.StartsWith(RepositoryLayout.BackupsPrefix(Service), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => world.RemoveAsync(Choice(world)));
        Assert.DoesNotContain(world.Store.Deleted, key => RepositoryKey.Parse(key).Kind != RepositoryKeyKind.Lock);
    }

    [Fact]
    public async Task Wal_that_cannot_be_listed_stays_and_the_rest_goes()
    {
        await using var world = await StartAsync();
        world.Store.Failing = key => key.StartsWith(RepositoryLayout.WalPrefix(Service), StringComparison.Ordinal);
        var report = await world.RemoveAsync(Choice(world));
        world.Store.Failing = _ => false;
        Assert.True(report.IsUnfinished);
        Assert.Equal(33, WalIn(world.Store).Count());
        Assert.Equal([Entry(18), Entry(24)], RemovalWorld.EntriesIn(world.Store).Keys.Order(StringComparer.Ordinal));

        await world.RemoveAsync(Choice(world));
        Assert.Equal(14, WalIn(world.Store).Count());
        world.RequireNoGarbage("end");
    }

    [Fact]
    public async Task A_repository_that_is_away_keeps_what_it_has_until_it_is_back()
    {
        await using var world = await StartAsync(repositories: 2, required: 2);
        world.Stores[1].IsDown = true;
        var report = await world.RemoveAsync(Choice(world));
        Assert.True(report.IsUnfinished);
        Assert.Equal(14, WalIn(world.Store).Count());
        Assert.Equal(33, WalIn(world.Stores[1]).Count());

        world.Stores[1].IsDown = false;
        await world.RemoveAsync(Choice(world));
        Assert.Equal(14, WalIn(world.Stores[1]).Count());
        Assert.Equal([Entry(18), Entry(24)], RemovalWorld.EntriesIn(world.Stores[1]).Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_a_repository_refuses_to_delete_is_said()
    {
        await using var world = await StartAsync();
        world.Store.Locked = key => key == Wal(Segment(5));
        var report = await world.RemoveAsync(Choice(world));
        Assert.True(report.IsUnfinished);
        Assert.Contains(Wal(Segment(5)), world.Store.Keys);
    }

    [Fact]
    public async Task Wal_of_two_clusters_stays()
    {
        await using var world = await StartAsync();
        await PutAsync(world.Store, Backup(26) with { SystemIdentifier = "1" });
        await world.RemoveAsync(Choice(world));
        Assert.Equal(33, WalIn(world.Store).Count());
    }
}
