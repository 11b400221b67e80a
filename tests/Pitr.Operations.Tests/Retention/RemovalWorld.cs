using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Repositories;
using Pitr.Operations.Retention;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Repositories;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Retention;

/// <summary>A service with one or two repositories, 30 hours after the first backup's moment, and what is asked of every state they can be in.</summary>
sealed class RemovalWorld : IAsyncDisposable
{
    readonly Scenario _scenario;

    RemovalWorld(Scenario scenario, int repositories)
    {
        _scenario = scenario;
        Stores = [.. Enumerable.Range(1, repositories).Select(n => new MortalStore($"r{n}", scenario.Clock, Fate))];
    }

    public Fate Fate { get; } = new();

    public IReadOnlyList<MortalStore> Stores { get; }

    public MortalStore Store => Stores[0];

    public TestClock Clock => _scenario.Clock;

    public string StateDirectory => _scenario["state"];

    public static async Task<RemovalWorld> StartAsync(int repositories = 1, int? required = null, bool skipsWaits = false)
    {
        var world = new RemovalWorld(await Scenario.StartAsync(repositories, skipsWaits, required), repositories);
        foreach (var store in world.Stores)
        {
            await RepositorySet.InitialiseAsync(store, world.Clock, default);
        }

        return world;
    }

    /// <summary>The service as a process that begins now sees it.</summary>
    public PostgresService Open(string state = "state", string service = Scenario.ServiceName, RetentionSettings? retention = null) => _scenario.Open(
        state,
        change: settings => retention is null ? settings : settings with { Retention = retention },
        wrap: store => Stores.Single(s => s.Name == store.Name),
        name: service);

    public async Task<RemovalReport> ExpireAsync(params int[] hours) => await RemoveAsync(new NamedBackups(hours.Select(PlantedBackups.Id)));

    public async Task<RemovalReport> CollectAsync() => await RemoveAsync(NamedBackups.None);

    public async Task<RemovalReport> RemoveAsync(IBackupChoice choice, bool force = false, string state = "state", bool dryRun = false)
    {
        Fate.Begin();
        await using var service = Open(state);
        var removal = new BackupRemoval(service) { Force = force };
        return dryRun ? await removal.PlanAsync(choice, default) : await removal.RunAsync(choice, default);
    }

    public async Task<IReadOnlyList<CatchUpResult>> CatchUpAsync()
    {
        Fate.Begin();
        await using var service = Open();
        using var catchUp = new CatchUp(service);
        return await catchUp.RunAsync(default);
    }

    public void Owe(string repository, string key) => new DebtLedger(DebtLedger.DirectoryBelow(Path.Combine(StateDirectory, "services", Scenario.ServiceName))).Owe(repository, key);

    /// <summary>The entries in a repository.</summary>
    public static IReadOnlyDictionary<string, BackupDocument> EntriesIn(MortalStore store) => store.Save()
        .Where(o => RepositoryKey.Parse(o.Key).Kind == RepositoryKeyKind.Backup)
        .ToDictionary(o => o.Key, o => BackupDocument.Parse(o.Value.Content));

    /// <summary>Fails if an entry names what its repository lacks.</summary>
    public void RequireNoLie(string when)
    {
        foreach (var store in Stores)
        {
            foreach (var (key, entry) in EntriesIn(store))
            {
                var missing = BackupObjects.Of(entry).Select(item => item.Key).Except(store.Keys);
                Assert.True(!missing.Any(), $"{when}: {key} in {store.Name} names {string.Join(", ", missing)}");
            }
        }
    }

    /// <summary>Fails if a manifest or pack lies about that no entry in its repository names.</summary>
    public void RequireNoGarbage(string when)
    {
        foreach (var store in Stores)
        {
            var named = EntriesIn(store).Values.SelectMany(BackupObjects.Of).Select(item => item.Key);
            var garbage = store.Keys.Where(key => BackupObjects.IsPart(key, out _, out _)).Except(named);
            Assert.True(!garbage.Any(), $"{when}: no backup in {store.Name} names {string.Join(", ", garbage)}");
        }
    }

    public ValueTask DisposeAsync()
    {
        Fate.Spare();
        return _scenario.DisposeAsync();
    }
}
