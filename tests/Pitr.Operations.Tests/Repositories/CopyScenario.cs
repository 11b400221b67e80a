using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Archive;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Backup;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Repositories;

/// <summary>A repository r1 with two backups, WAL and a drill, an empty repository r2, and a third one to ask.</summary>
sealed class CopyScenario : IAsyncDisposable
{
    public const string First = "000000010000000000000002";
    public const string Second = "000000010000000000000003";

    readonly Scenario _scenario;

    CopyScenario(Scenario scenario, BackupDocument older, BackupDocument newer)
    {
        _scenario = scenario;
        Older = older;
        Newer = newer;
    }

    public BackupDocument Older { get; }

    public BackupDocument Newer { get; }

    public Pitr.Storage.Testing.FaultyObjectStore From => _scenario.Stores[0];

    public Pitr.Storage.Testing.FaultyObjectStore To => _scenario.Stores[1];

    public Pitr.Storage.Testing.FaultyObjectStore Other => _scenario.Stores[2];

    public Scenario World => _scenario;

    public static async Task<CopyScenario> StartAsync(bool withOther = false)
    {
        var scenario = await Scenario.StartAsync(repositories: 3);
        string[] holders = withOther ? ["r1", "r3"] : ["r1"];
        var service = scenario.Open(change: settings => settings with { Repositories = holders, RequiredRepositories = holders.Length });
        var push = new ArchivePush(service);
        foreach (var name in new[] { First, Second })
        {
            await push.PushAsync(scenario.Write(name, WalSample.Segment(name, size: 16 << 20)), default);
        }

        await push.PushAsync(scenario.Write("00000002.history", "1\t0/5000A28\tno recovery target specified\n"), default);
        var older = await TakeAsync(service, Scenario.Start, 1);
        var newer = await TakeAsync(service, Scenario.Start.AddHours(1), 2);
        await service.Repositories.PutAsync(RepositoryLayout.DrillReport(service.Name, "20261121T100036Z"), "{}"u8.ToArray(), PutMode.CreateNew, default);
        await service.Repositories.PutAsync(RepositoryLayout.Lock(service.Name, "backup"), "{}"u8.ToArray(), PutMode.CreateNew, default);
        return new CopyScenario(scenario, older, newer);
    }

    /// <summary>Copies r1 to r2 as a process of its own would.</summary>
    public async Task<RepositoryCopyReport> CopyAsync(
        RepositoryCopyOptions? options = null, string? identity = "identity", string state = "operator", CancellationToken cancellation = default)
    {
        await using var service = _scenario.Open(state, identity);
        using var keys = new RepositoryKeys(service.Configuration, [From, To, Other], _scenario.Clock, askPassphrase: null);
        var copy = new RepositoryCopy(From, To, [Other], new ObjectOpener(keys), _scenario["spool"], _scenario.Clock);
        return await copy.RunAsync(options ?? new RepositoryCopyOptions { Jobs = 3 }, progress: null, cancellation);
    }

    /// <summary>Every key of r1 that a whole copy has.</summary>
    public async Task<string[]> ExpectedAsync() =>
        [.. (await _scenario.KeysAsync(1)).Where(key => RepositoryKey.Parse(key).Kind is not RepositoryKeyKind.Lock)];

    /// <summary>Fails unless r2 holds everything that r1 does, byte for byte, under an id of its own.</summary>
    public async Task RequireWholeAsync()
    {
        Assert.Equal(await ExpectedAsync(), await _scenario.KeysAsync(2));
        foreach (var key in await ExpectedAsync())
        {
            Assert.Equal(key == RepositoryLayout.Repository, !File.ReadAllBytes(_scenario.PathOf(key)).AsSpan().SequenceEqual(File.ReadAllBytes(_scenario.PathOf(key, 2))));
        }
    }

    /// <summary>Fails if r2 promises what it does not hold: a backup without its parts, or anything sealed without its key.</summary>
    public async Task RequireNoLieAsync()
    {
        var keys = (await _scenario.KeysAsync(2)).ToHashSet();
        foreach (var backup in new[] { Older, Newer }.Where(backup => keys.Contains(EntryOf(backup))))
        {
            Assert.Empty(backup.Packs.Select(pack => pack.Key).Append(backup.Manifest.Key).Append(_scenario.KeyOf(backup.StartWal)).Except(keys));
        }

        if (keys.Any(key => RepositoryKey.Parse(key).Kind is RepositoryKeyKind.Wal or RepositoryKeyKind.Manifest or RepositoryKeyKind.Pack))
        {
            Assert.Empty((await _scenario.KeysAsync(1)).Where(key => RepositoryKey.Parse(key).Kind == RepositoryKeyKind.DataKey).Except(keys));
        }
    }

    public string EntryOf(BackupDocument backup) => RepositoryLayout.Backup(ServiceName.Parse(Scenario.ServiceName), BackupId.Parse(backup.Id));

    public ValueTask DisposeAsync() => _scenario.DisposeAsync();

    static Task<BackupDocument> TakeAsync(PostgresService service, DateTimeOffset started, int seed) => SyntheticBackup.TakeAsync(
        service, SyntheticBackup.Tar(SyntheticBackup.Around(SyntheticFile.File("global/1", SyntheticFile.Noise(200_000, seed)))), started);
}
