using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Configuration;
using Pitr.Operations.Repositories;
using Pitr.Operations.Retention;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Repositories;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Retention;

/// <summary>The service of a cluster before pg_upgrade and that of the one after it, side by side in the same repositories: neither's expiry touches the other.</summary>
public class UpgradedServiceTests
{
    const string Successor = "main-17";
    const ulong SuccessorIdentifier = 7;
    const int Upgraded = 12;

    static readonly RetentionSettings Settings = new(TimeSpan.FromDays(3), 2, 0, 0, 0, 1);

    static string Segment(int day, int of) => WalSegmentName.FromNumber(new Timeline(1), (ulong)((day * 4) + of + 1), SimulatedHistory.Size).ToString();

    static string Wal(string service, string file) => RepositoryLayout.Wal(ServiceName.Parse(service), WalFileName.Parse(file));

    static BackupDocument Backup(string service, int day)
    {
        var planted = PlantedBackups.Document(day * 24, own: 1);
        StoredObject Own(StoredObject stored) => stored with { Key = stored.Key.Replace($"/{Scenario.ServiceName}/", $"/{service}/", StringComparison.Ordinal) };
        var segment = WalSegmentName.Parse(Segment(day, 0));
        return planted with
        {
            Service = service,
            SystemIdentifier = $"{(service == Successor ? SuccessorIdentifier : WalSample.SystemIdentifier)}",
            StartWal = segment.ToString(),
            StopWal = segment.ToString(),
            StartLsn = segment.StartLsn(SimulatedHistory.Size),
            StopLsn = segment.Next(SimulatedHistory.Size).StartLsn(SimulatedHistory.Size),
            Manifest = Own(planted.Manifest),
            Packs = [.. planted.Packs.Select(Own)],
        };
    }

    // A day: a backup and four segments, the WAL of the successor going on where that of its predecessor ended, on the same timeline.
    static async Task LiveAsync(RemovalWorld world, int day)
    {
        var service = day < Upgraded ? Scenario.ServiceName : Successor;
        var backup = Backup(service, day);
        foreach (var item in backup.Packs.Append(backup.Manifest))
        {
            await world.Store.PutAsync(item.Key, PlantedBackups.Content(item.Key), PutMode.CreateNew, default);
        }

        await world.Store.PutAsync(RepositoryLayout.Backup(ServiceName.Parse(service), BackupId.Parse(backup.Id)), backup.ToJson(), PutMode.CreateNew, default);
        for (var of = 0; of < 4; of++)
        {
            await world.Store.PutAsync(Wal(service, Segment(day, of)), ObjectContent.FromMemory(new byte[100]), PutMode.CreateNew, default);
        }
    }

    static async Task<RemovalReport> ExpireAsync(RemovalWorld world, string name)
    {
        await using var service = world.Open(service: name, retention: Settings);
        return await new BackupRemoval(service).RunAsync(await RetentionChoice.PrepareAsync(service, default), default);
    }

    static string[] KeysOf(MortalStore store, string service) =>
        [.. store.Keys.Where(key => key.StartsWith($"services/{service}/", StringComparison.Ordinal) && RepositoryKey.Parse(key).Kind != RepositoryKeyKind.Lock)];

    static async Task<RemovalWorld> StartAsync(int repositories)
    {
        var world = await RemovalWorld.StartAsync(repositories);
        foreach (var (name, identifier) in new[] { (Scenario.ServiceName, WalSample.SystemIdentifier), (Successor, SuccessorIdentifier) })
        {
            await using var service = world.Open(service: name);
            await new ServiceRegistry(service).ClaimAsync(identifier, 17, SimulatedHistory.Size.Bytes, default);
        }

        return world;
    }

    [Fact]
    public async Task Each_expires_for_itself_and_the_older_keeps_its_last_window_for_ever()
    {
        await using var world = await StartAsync(repositories: 1);
        string[]? left = null;
        for (var day = 0; day < Upgraded + 60; day++)
        {
            await LiveAsync(world, day);
            world.Clock.Advance(TimeSpan.FromDays(1));
            var (old, successor) = (KeysOf(world.Store, Scenario.ServiceName), KeysOf(world.Store, Successor));
            await ExpireAsync(world, Scenario.ServiceName);
            Assert.Equal(successor, KeysOf(world.Store, Successor));
            old = day < Upgraded ? KeysOf(world.Store, Scenario.ServiceName) : old;
            await ExpireAsync(world, Successor);
            Assert.Equal(old, KeysOf(world.Store, Scenario.ServiceName));
            left = day < Upgraded ? null : left ?? old;
            Assert.Equal(left ?? old, old);
        }

        // Three days and the backup before them, up to the last segment. Where the successor begins is the next one, under its own service.
        Assert.Equal([7, 8, 9, 10, 11], DaysOf(world.Store, Scenario.ServiceName));
        Assert.Contains(Wal(Scenario.ServiceName, Segment(Upgraded - 1, 3)), left!);
        Assert.Equal(5 * 4, left!.Count(key => RepositoryKey.Parse(key).Kind == RepositoryKeyKind.Wal));
        Assert.Equal([67, 68, 69, 70, 71], DaysOf(world.Store, Successor));
        world.RequireNoLie("end");
        world.RequireNoGarbage("end");
        foreach (var (key, entry) in RemovalWorld.EntriesIn(world.Store))
        {
            Assert.All(BackupObjects.Of(entry), item => Assert.Equal(RepositoryKey.Parse(key).Service, RepositoryKey.Parse(item.Key).Service));
        }
    }

    [Fact]
    public async Task A_copy_into_a_repository_for_the_years_to_come_does_not_make_the_last_window_older()
    {
        await using var world = await StartAsync(repositories: 2);
        for (var day = 0; day < Upgraded; day++)
        {
            await LiveAsync(world, day);
            world.Clock.Advance(TimeSpan.FromDays(1));
        }

        // As `pitr repo copy` does it, half a year after the end: every object of the copy is of that day.
        world.Clock.Advance(TimeSpan.FromDays(180));
        foreach (var (key, (content, _)) in world.Store.Save().Where(o => !world.Stores[1].Keys.Contains(o.Key)))
        {
            world.Stores[1].Plant(key, content);
        }

        for (var run = 0; run < 3; run++)
        {
            world.Clock.Advance(TimeSpan.FromDays(10));
            await ExpireAsync(world, Scenario.ServiceName);
            Assert.All(world.Stores, store => Assert.Equal([7, 8, 9, 10, 11], DaysOf(store, Scenario.ServiceName)));
            Assert.All(world.Stores, store => Assert.Superset(
                Enumerable.Range(7 * 4, 5 * 4).Select(n => Wal(Scenario.ServiceName, Segment(n / 4, n % 4))).ToHashSet(), store.Keys.ToHashSet()));
        }
    }

    static IEnumerable<int> DaysOf(MortalStore store, string service) => RemovalWorld.EntriesIn(store).Values
        .Where(b => b.Service == service).Select(b => (int)(BackupId.Parse(b.Id).Start - Scenario.Start).TotalDays).Order();
}
