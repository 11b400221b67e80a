using System.Security.Cryptography;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Retention;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Retention;

/// <summary>Dumps go from repositories by the rules, by the same hand as base backups: nothing restorable is ever half there, whatever fails in between.</summary>
public sealed class DumpRemovalTests
{
    static readonly ServiceName Service = ServiceName.Parse(Scenario.ServiceName);

    // The present is 30 hours after the first dump; a dump every six hours.
    static readonly RetentionSettings Settings = new(TimeSpan.FromHours(8), 1, 0, 0, 0, 1);
    static readonly int[] Hours = [0, 6, 12, 18, 24];

    static BackupId Id(int hour) => new(Scenario.Start.AddHours(hour));

    static string Entry(int hour) => RepositoryLayout.Dump(Service, Id(hour));

    static byte[] Content(string key) => Encoding.UTF8.GetBytes($"{key} {new string('x', 100)}");

    static StoredObject Stored(string key) => new(key, Content(key).Length, Convert.ToHexStringLower(SHA256.HashData(Content(key))));

    // What counts for removing: an entry and what it names, which nobody opens.
    static DumpDocument Document(int hour, int parts = 2, string? pinned = null) => new()
    {
        Id = Id(hour).ToString(),
        Service = Scenario.ServiceName,
        Kind = RedisSettings.KindName,
        Host = "here",
        PitrVersion = "0",
        Started = Scenario.Start.AddHours(hour),
        Finished = Scenario.Start.AddHours(hour).AddMinutes(1),
        Tool = "tool 1",
        Product = "Redis",
        ServerVersion = "7.0",
        Bytes = 10,
        StoredBytes = 10,
        Streams = [new DumpStreamRecord("all", "rdb", 10, new string('0', 64), 0, parts)],
        Parts = [.. Enumerable.Range(0, parts).Select(n => Stored(RepositoryLayout.DumpPart(Service, Id(hour), n)))],
        Manifest = Stored(RepositoryLayout.DumpManifest(Service, Id(hour))),
        Sums = Stored(RepositoryLayout.DumpSums(Service, Id(hour))),
        DataKeys = [],
        Pinned = pinned,
    };

    static async Task PutAsync(IObjectStore store, DumpDocument dump, bool withEntry = true)
    {
        foreach (var item in DumpObjects.Of(dump))
        {
            await store.PutAsync(item.Key, Content(item.Key), PutMode.Replace, default);
        }

        if (withEntry)
        {
            await store.PutAsync(RepositoryLayout.Dump(Service, BackupId.Parse(dump.Id)), dump.ToJson(), PutMode.Replace, default);
        }
    }

    sealed class World(Scenario scenario, IReadOnlyList<MortalStore> stores, Fate fate) : IAsyncDisposable
    {
        public Fate Fate => fate;

        public TestClock Clock => scenario.Clock;

        public IReadOnlyList<MortalStore> Stores => stores;

        public MortalStore Store => stores[0];

        public DumpService Open(string state = "state") => scenario.OpenDumps(state, change: s => s with { Retention = Settings }, wrap: store => stores.Single(s => s.Name == store.Name));

        public async Task<RemovalReport> ExpireAsync(bool dryRun = false, bool force = false, params int[] hours)
        {
            fate.Begin();
            await using var service = Open();
            IBackupChoice choice = hours.Length > 0 ? new NamedBackups(hours.Select(Id)) : await RetentionChoice.PrepareAsync(service, default);
            return await RemoveAsync(service, choice, dryRun, force);
        }

        public async Task<RemovalReport> CollectAsync()
        {
            fate.Begin();
            await using var service = Open();
            return await RemoveAsync(service, NamedBackups.None, dryRun: false, force: false);
        }

        static async Task<RemovalReport> RemoveAsync(DumpService service, IBackupChoice choice, bool dryRun, bool force)
        {
            var removal = new BackupRemoval(service) { Force = force };
            var report = dryRun ? await removal.PlanAsync(choice, default) : await removal.RunAsync(choice, default);
            return report with { Verdicts = (choice as RetentionChoice)?.Verdicts };
        }

        public async Task PinAsync(int hour, string? reason)
        {
            fate.Begin();
            await using var service = Open();
            await new BackupPin(service).SetAsync(Id(hour), reason, null, default);
        }

        public ValueTask DisposeAsync()
        {
            fate.Spare();
            return scenario.DisposeAsync();
        }
    }

    static async Task<World> StartAsync(int repositories = 1, int? required = null)
    {
        var scenario = await Scenario.StartAsync(repositories, required: required);
        var fate = new Fate();
        MortalStore[] stores = [.. Enumerable.Range(1, repositories).Select(n => new MortalStore($"r{n}", scenario.Clock, fate))];
        foreach (var store in stores)
        {
            await RepositorySet.InitialiseAsync(store, scenario.Clock, default);
            foreach (var hour in Hours)
            {
                await PutAsync(store, Document(hour));
            }

            store.Deleted.Clear();
        }

        scenario.Clock.Advance(TimeSpan.FromHours(30));
        return new World(scenario, stores, fate);
    }

    static string[] EntriesIn(MortalStore store) => [.. store.Keys.Where(key => RepositoryKey.Parse(key).Kind == RepositoryKeyKind.DumpEntry)];

    static void RequireNoLie(World world, string when)
    {
        foreach (var store in world.Stores)
        {
            foreach (var (key, value) in store.Save().Where(o => RepositoryKey.Parse(o.Key).Kind == RepositoryKeyKind.DumpEntry))
            {
                var missing = DumpObjects.Of(DumpDocument.Parse(value.Content)).Select(item => item.Key).Except(store.Keys);
                Assert.True(!missing.Any(), $"{when}: {key} in {store.Name} names {string.Join(", ", missing)}");
            }
        }
    }

    static void RequireOnly(MortalStore store, params int[] hours) => Assert.Equal(
        hours.SelectMany(hour => DumpObjects.Of(Document(hour)).Select(item => item.Key).Append(Entry(hour))).Order(StringComparer.Ordinal),
        store.Keys.Where(key => key.StartsWith(RepositoryLayout.DumpsPrefix(Service), StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    [Fact]
    public async Task Dumps_go_by_the_rules_each_with_its_reason()
    {
        await using var world = await StartAsync(repositories: 2);
        var planned = await world.ExpireAsync(dryRun: true);
        Assert.DoesNotContain(world.Stores.SelectMany(s => s.Deleted), key => RepositoryKey.Parse(key).Kind != RepositoryKeyKind.Lock);
        var done = await world.ExpireAsync();

        // The window begins 16 hours after the first dump ended; the one before it is what there was then.
        Assert.Equal([Id(0), Id(6)], done.Backups.Select(b => b.Id));
        var whys = done.Verdicts!.Backups.ToDictionary(v => v.Backup.Id, v => v.Why);
        Assert.Contains("before the window", whys[Id(6).ToString()], StringComparison.Ordinal);
        Assert.StartsWith("window: it is what there was at ", whys[Id(12).ToString()], StringComparison.Ordinal);
        Assert.Equal("window", whys[Id(18).ToString()]);
        Assert.Equal("window, minimum, daily 2026-11-22", whys[Id(24).ToString()]);
        foreach (var store in world.Stores)
        {
            RequireOnly(store, 12, 18, 24);
            Assert.Equal(Entry(0), store.Deleted.First(key => RepositoryKey.Parse(key).Kind != RepositoryKeyKind.Lock));
        }

        Assert.All(done.Repositories, r => Assert.Equal((2, 4L, 4L), (r.Backups.Count, r.Packs, r.Manifests)));
        Assert.Equal(planned.Repositories.Select(r => (r.Packs, r.Manifests, r.Bytes)), done.Repositories.Select(r => (r.Packs, r.Manifests, r.Bytes)));
        Assert.False(done.IsUnfinished);
    }

    [Fact]
    public async Task A_kill_at_any_step_leaves_no_half_of_a_dump_and_the_next_run_does_the_rest()
    {
        for (var step = 0; ; step++)
        {
            await using var world = await StartAsync(repositories: 2);
            world.Fate.KillAt(step, after: step % 2 == 0);
            try
            {
                await world.ExpireAsync();
            }
            catch (Exception) when (world.Fate.HasStruck)
            {
                // The killed.
            }

            var survived = !world.Fate.HasStruck;
            world.Fate.Spare();
            RequireNoLie(world, $"step {step}");
            Assert.All(world.Stores, store => Assert.Superset(new[] { Entry(12), Entry(18), Entry(24) }.ToHashSet(), EntriesIn(store).ToHashSet()));
            if (survived)
            {
                Assert.True(step > 20, $"only {step} steps");
                return;
            }

            // The lease of the dead one expires.
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            await world.ExpireAsync();
            Assert.All(world.Stores, store => RequireOnly(store, 12, 18, 24));
        }
    }

    [Fact]
    public async Task Nothing_goes_when_a_repository_cannot_be_listed_or_an_entry_makes_no_sense()
    {
        await using var world = await StartAsync(repositories: 2);
        world.Stores[1].Failing = key => key.StartsWith(RepositoryLayout.DumpsPrefix(Service), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => world.ExpireAsync());
        world.Stores[1].Failing = _ => false;
        world.Stores[1].Plant(Entry(3), "{}"u8.ToArray());
        await Assert.ThrowsAsync<DamagedRepositoryException>(() => world.ExpireAsync());
        Assert.DoesNotContain(world.Stores.SelectMany(s => s.Deleted), key => RepositoryKey.Parse(key).Kind != RepositoryKeyKind.Lock);
    }

    [Fact]
    public async Task A_repository_that_is_away_is_tidied_by_a_later_run()
    {
        await using var world = await StartAsync(repositories: 2, required: 2);
        world.Stores[1].IsDown = true;
        var report = await world.ExpireAsync();
        Assert.True(report.IsUnfinished);
        RequireOnly(world.Stores[0], 12, 18, 24);
        world.Stores[1].IsDown = false;
        await world.CollectAsync();
        RequireOnly(world.Stores[1], 12, 18, 24);
    }

    [Fact]
    public async Task What_an_object_lock_holds_stays_without_its_entry_or_with_all_it_names()
    {
        await using var world = await StartAsync();
        world.Store.Locked = key => key == Entry(0) || key == RepositoryLayout.DumpPart(Service, Id(6), 1);
        var report = await world.ExpireAsync();
        Assert.True(report.IsUnfinished);
        RequireNoLie(world, "locked");
        world.Store.Locked = _ => false;
        Assert.False((await world.ExpireAsync()).IsUnfinished);
        RequireOnly(world.Store, 12, 18, 24);
    }

    [Fact]
    public async Task A_pinned_dump_stays_whatever_the_rules_say_and_whoever_names_it()
    {
        await using var world = await StartAsync(repositories: 2);
        await world.PinAsync(0, "audit");
        Assert.Contains("pinned (audit)", (await world.ExpireAsync(dryRun: true)).Verdicts!.Backups[0].Why, StringComparison.Ordinal);
        await world.ExpireAsync();
        Assert.All(world.Stores, store => RequireOnly(store, 0, 12, 18, 24));
        Assert.Contains("is pinned (audit)", (await Assert.ThrowsAsync<RefusedInputException>(() => world.ExpireAsync(force: true, hours: [0]))).Message, StringComparison.Ordinal);

        await world.PinAsync(0, null);
        await world.ExpireAsync();
        Assert.All(world.Stores, store => RequireOnly(store, 12, 18, 24));
    }

    [Fact]
    public async Task A_named_dump_goes_the_last_one_only_by_force_and_an_unknown_one_is_refused()
    {
        await using var world = await StartAsync();
        await world.ExpireAsync(hours: [24, 6]);
        RequireOnly(world.Store, 0, 12, 18);
        await Assert.ThrowsAsync<RefusedInputException>(() => world.ExpireAsync(hours: [7]));
        await Assert.ThrowsAsync<RefusedInputException>(() => world.ExpireAsync(hours: [0, 12, 18]));
        RequireOnly(world.Store, 0, 12, 18);
        await world.ExpireAsync(force: true, hours: [0, 12, 18]);
        RequireOnly(world.Store);
    }

    [Fact]
    public async Task What_killed_dumps_left_goes_after_a_day_and_what_is_of_no_known_form_stays()
    {
        await using var world = await StartAsync();
        await PutAsync(world.Store, Document(30), withEntry: false);
        world.Store.Plant($"{RepositoryLayout.DumpsPrefix(Service)}notes.txt", [1]);
        var young = Assert.Single((await world.CollectAsync()).Repositories);
        Assert.Equal((4L, 0L), (young.Young, young.Packs));
        world.Clock.Advance(TimeSpan.FromHours(25));
        var old = Assert.Single((await world.CollectAsync()).Repositories);
        Assert.Equal((0L, 2L, 2L), (old.Young, old.Packs, old.Manifests));
        Assert.Equal([$"{RepositoryLayout.DumpsPrefix(Service)}notes.txt"], old.Unknown);
        Assert.Equal(Hours.Length, EntriesIn(world.Store).Length);
        RequireNoLie(world, "collected");
    }

    [Fact]
    public async Task Nothing_is_removed_while_a_dump_is_taken()
    {
        await using var world = await StartAsync();
        await using (await RepositoryLease.AcquireAsync(world.Open(), BackupRemoval.BackupLease, default))
        {
            await Assert.ThrowsAsync<BusyException>(() => world.ExpireAsync());
        }

        await world.ExpireAsync();
        RequireOnly(world.Store, 12, 18, 24);
    }

    [Fact]
    public async Task Stats_count_dumps_per_service()
    {
        await using var world = await StartAsync();
        await PutAsync(world.Store, Document(30), withEntry: false);
        var stats = new RepositoryStats(world.Store);
        var usages = await stats.CountAsync(null, default);
        var (service, usage, reason) = Assert.Single(await stats.MeasurePacksAsync(usages, default));
        Assert.Equal((Scenario.ServiceName, Hours.Length, null), (service, usage!.Backups, reason));
        Assert.Equal(Hours.SelectMany(h => Document(h).Parts).Sum(p => p.Size), usage.OwnBytes);
        Assert.Equal((0L, 0L, 4L, 0L), (usage.OlderBytes, usage.DeadBytes, usage.GarbageObjects, usage.MissingObjects));
    }

    [Fact]
    public void Days_that_have_a_dump_count_and_a_clock_that_jumped_ahead_removes_nothing_more()
    {
        var settings = new RetentionSettings(TimeSpan.Zero, 3, 2, 2, 0, 1);
        var dumps = Enumerable.Range(0, 90).Select(day => Document(day * 24)).ToArray();
        var kept = new RetentionRules(settings, Scenario.Start.AddDays(90)).Judge(dumps, []).Backups.Where(v => !v.Goes).Select(v => v.Backup.Id).ToArray();
        Assert.Equal(kept, new RetentionRules(settings, Scenario.Start.AddYears(5)).Judge(dumps, []).Backups.Where(v => !v.Goes).Select(v => v.Backup.Id));
        // The last three days, the Sunday before (of the week before), and the last of January.
        Assert.Equal(["20270131T030000Z", "20270214T030000Z", "20270216T030000Z", "20270217T030000Z", "20270218T030000Z"], kept);
    }
}
