using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Retention;
using Pitr.Operations.Tests.Repositories;
using static Pitr.Operations.Tests.Repositories.PlantedBackups;

namespace Pitr.Operations.Tests.Retention;

/// <summary>
/// Whatever backups refer to, in whatever order they go and wherever that is cut off: no entry ever names a missing object, no backup goes that was not
/// chosen, and nothing that no backup needs is left in the end.
/// </summary>
public class RemovalHistoryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Killed_at_any_operation_it_leaves_no_lie_and_the_next_run_finishes(bool after)
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2, required: 1);
        foreach (var store in world.Stores)
        {
            await PutAsync(store, Document(0, own: 3));
            await PutAsync(store, Document(1, own: 2, older: [Pack(0, 0), Pack(0, 1)]));
            await PutAsync(store, Document(2, own: 1, older: [Pack(0, 1), Pack(1, 0)]));
            await PutAsync(store, Document(3, own: 1, older: [Pack(1, 1)]));
        }

        world.Clock.Advance(TimeSpan.FromHours(4));
        var start = world.Stores.Select(store => store.Save()).ToArray();
        var kills = 0;
        for (var operation = 0; ; operation++)
        {
            foreach (var (store, saved) in world.Stores.Zip(start))
            {
                store.Restore(saved);
            }

            var state = $"state-{operation}";
            world.Fate.KillAt(operation, after);
            try
            {
                await world.RemoveAsync(new NamedBackups([Id(1), Id(2)]), state: state);
                if (!world.Fate.HasStruck)
                {
                    break;
                }
            }
            catch (Exception) when (world.Fate.HasStruck)
            {
                // The killed, or whoever was beside it.
            }

            kills++;
            world.Fate.Spare();
            world.RequireNoLie($"killed at {operation}");
            // By the same host, at once; the packs are young, and that must not matter.
            await world.RemoveAsync(NamedBackups.None, state: state);
            if (world.Stores.Any(store => RemovalWorld.EntriesIn(store).Count != 2))
            {
                // It came to nothing before it was written down.
                Assert.All(world.Stores, store => Assert.Equal(4, RemovalWorld.EntriesIn(store).Count));
                await world.RemoveAsync(new NamedBackups([Id(1), Id(2)]), state: state);
            }

            world.RequireNoLie($"finished after {operation}");
            Assert.All(world.Stores, store => Assert.Equal([Entry(0), Entry(3)], RemovalWorld.EntriesIn(store).Keys));
            world.Clock.Advance(BackupRemoval.DefaultGrace);
            await world.RemoveAsync(NamedBackups.None, state: state);
            world.Clock.Advance(-BackupRemoval.DefaultGrace);
            world.RequireNoGarbage($"after {operation}");
        }

        // Two leases, two catalogs read twice, two entries, two manifests and two packs in each.
        Assert.InRange(kills, 40, 200);
        world.Fate.Spare();
        Assert.All(world.Stores, store => Assert.DoesNotContain(store.Keys, key => RepositoryKey.Parse(key).Kind == RepositoryKeyKind.Lock));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Random_histories_end_without_lies_losses_and_garbage(int required)
    {
        for (var seed = 1; seed <= 25; seed++)
        {
            await new History(seed, required).RunAsync();
        }
    }

    sealed class History(int seed, int required)
    {
        readonly Random _random = new(seed);
        readonly Dictionary<string, HashSet<string>> _kept = [];
        int _hour;

        public async Task RunAsync()
        {
            await using var world = await RemovalWorld.StartAsync(repositories: 2, required);
            for (var step = 0; step < 25; step++)
            {
                world.Clock.Advance(TimeSpan.FromMinutes(_random.Next(5, 600)));
                var name = await StepAsync(world);
                world.Fate.Spare();
                world.RequireNoLie($"seed {seed}, required {required}, step {step}: {name}");
                RequireKept(world, $"seed {seed}, required {required}, step {step}: {name}");
            }

            world.Stores[1].IsDown = false;
            world.Clock.Advance(BackupRemoval.DefaultGrace);
            await world.CollectAsync();
            Assert.All(await world.CatchUpAsync(), paid => Assert.True(paid.Left == 0, $"seed {seed}: {paid.Reason}"));
            world.Clock.Advance(BackupRemoval.DefaultGrace);
            await world.CollectAsync();
            world.RequireNoLie($"seed {seed}: end");
            world.RequireNoGarbage($"seed {seed}: end");
            RequireKept(world, $"seed {seed}: end");
        }

        async Task<string> StepAsync(RemovalWorld world)
        {
            switch (_random.Next(10))
            {
                case < 4:
                    await BackUpAsync(world);
                    return "backup";
                case 4:
                    await PutPartsAsync(world.Store, Document(++_hour, own: _random.Next(1, 4)));
                    return "interrupted backup";
                case 5:
                    world.Stores[1].IsDown ^= true;
                    return "outage";
                case 6:
                    await TryAsync(world, async () => await world.CatchUpAsync());
                    return "catch-up";
                case 7:
                    await TryAsync(world, async () => await world.CollectAsync());
                    return "gc";
                default:
                    var ids = RemovalWorld.EntriesIn(world.Store).Keys.Where(_ => _random.Next(3) == 0).ToArray();
                    await TryAsync(world, async () =>
                    {
                        var plan = await world.RemoveAsync(new NamedBackups(ids.Select(key => RepositoryKey.Parse(key).Backup!.Value)), dryRun: true);
                        foreach (var kept in _kept.Values)
                        {
                            kept.ExceptWith(plan.Backups.Select(b => RepositoryLayout.Backup(Service, b.Id)));
                        }

                        await world.RemoveAsync(new NamedBackups(ids.Select(key => RepositoryKey.Parse(key).Backup!.Value)));
                    });
                    return $"expire {string.Join(", ", ids)}";
            }
        }

        // Refusals and outages are part of life, and so is being killed.
        async Task TryAsync(RemovalWorld world, Func<Task> work)
        {
            if (_random.Next(2) == 0)
            {
                world.Fate.KillAt(_random.Next(120), after: _random.Next(2) == 0);
            }

            try
            {
                await work();
            }
            catch (Exception e) when (e is KilledException or OperationException or Pitr.Storage.StorageException)
            {
            }
        }

        // As a backup does it: the base is a complete one, parts go where they can, the entry only where all is that it names.
        async Task BackUpAsync(RemovalWorld world)
        {
            if (world.Stores.Count(store => !store.IsDown) < required)
            {
                return;
            }

            var bases = RemovalWorld.EntriesIn(world.Store).Values.ToArray();
            var older = bases.Length == 0 ? [] : BackupObjects.Of(bases[_random.Next(bases.Length)])
                .Select(item => item.Key).Where(key => RepositoryKey.Parse(key).Kind == RepositoryKeyKind.Pack && _random.Next(2) == 0);
            var backup = Document(++_hour, own: _random.Next(0, 4), older: [.. older]);
            foreach (var store in world.Stores)
            {
                if (!store.IsDown && (await BackupObjects.MissingAsync(store, backup, default)).All(item => RepositoryKey.Parse(item.Key).Backup == BackupId.Parse(backup.Id)))
                {
                    await PutAsync(store, backup);
                }
                else
                {
                    world.Owe(store.Name, Entry(_hour));
                }
            }

            Keep(world, Entry(_hour));
        }

        void Keep(RemovalWorld world, string entry)
        {
            foreach (var store in world.Stores.Where(store => store.Keys.Contains(entry)))
            {
                _kept.TryAdd(store.Name, []);
                _kept[store.Name].Add(entry);
            }
        }

        void RequireKept(RemovalWorld world, string when)
        {
            foreach (var store in world.Stores)
            {
                var lost = _kept.GetValueOrDefault(store.Name, []).Except(store.Keys);
                Assert.True(!lost.Any(), $"{when}: {store.Name} lost {string.Join(", ", lost)}");
            }
        }
    }
}
