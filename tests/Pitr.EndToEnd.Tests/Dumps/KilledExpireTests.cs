using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>`pitr expire` of dumps, killed while it removes: what is left of a dump is either all of it or no backup, and the next one ends the work.</summary>
[Collection(DumpedClusterCollection.Name)]
public sealed class KilledExpireTests(DumpedCluster cluster)
{
    const int Dumps = 4;
    const int Wanted = 3;
    const int MostRounds = 60;

    static readonly string[] Rules = ["WINDOW", "DAILY", "WEEKLY", "MONTHLY"];

    [Fact]
    public async Task A_killed_expiry_leaves_no_half_of_a_dump_and_the_next_one_ends_it()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        var ids = new List<string>();
        for (var i = 0; i < Dumps; i++)
        {
            ids.Add(await host.BackupAsync());
        }

        foreach (var rule in Rules)
        {
            host.Host.Environment[$"PITR_SERVICES__SHOP__RETENTION__{rule}"] = rule == "WINDOW" ? "0s" : "0";
        }

        host.Host.Environment["PITR_SERVICES__SHOP__RETENTION__MINIMUM"] = "1";
        var saved = host.Directory.New("saved");
        await CopyAsync(host.Directory.Path, saved);
        var whole = ids.ToDictionary(id => id, id => Names(host.First, id), StringComparer.Ordinal);
        var all = DumpHost.Objects(host.First).Length + DumpHost.Objects(host.Second).Length;
        Assert.All(whole.Values, names => Assert.True(names.Length > 10, "a dump has too few objects to be killed between them"));
        var (interrupted, round) = (0, 0);
        for (; interrupted < Wanted && round < MostRounds; round++)
        {
            using (var expire = host.Host.Start("expire", DumpHost.Service))
            {
                // Somewhere between the first object and the last, as far as a look at the directories is quick enough.
                var stop = all - 1 - (round % 5 * 8);
                while (!expire.HasExited && Count(host) > stop)
                {
                }

                await expire.KillAsync();
            }

            var left = Count(host);
            interrupted += left < all && left > 2 * whole[ids[^1]].Length ? 1 : 0;
            foreach (var repository in new[] { host.First, host.Second })
            {
                foreach (var id in ids.Where(id => File.Exists(Path.Combine(DumpHost.PathOf(repository, id), "dump.json"))))
                {
                    Assert.Equal(whole[id], Names(repository, id));
                }
            }

            // What is left of one without its entry is no backup, and no damage.
            (await host.RunAsync("info")).Must();
            (await host.RunAsync("restore", DumpHost.Service, "--dry-run", "--database", "orders", "--into", "x")).Must();
            (await host.RunAsync("expire", DumpHost.Service)).Must();
            Assert.Equal([ids[^1]], Left(host.First));
            Assert.Equal([ids[^1]], Left(host.Second));
            (await host.RunAsync("verify", DumpHost.Service)).Must();
            await CopyAsync(saved, host.Directory.Path);
        }

        Assert.True(interrupted >= Wanted, $"only {interrupted} of {round} expiries were killed while they removed something");
    }

    static int Count(DumpHost host) => DumpHost.Objects(host.First).Length + DumpHost.Objects(host.Second).Length;

    static string[] Left(string repository) => [.. DumpHost.Objects(repository).Select(file => Path.GetFileName(Path.GetDirectoryName(file))!).Distinct().Order(StringComparer.Ordinal)];

    static string[] Names(string repository, string id) =>
        [.. Directory.GetFiles(DumpHost.PathOf(repository, id)).Select(file => Path.GetFileName(file)).Where(name => !name.StartsWith('.')).Order(StringComparer.Ordinal)];

    static async Task CopyAsync(string from, string to) =>
        (await ProgramRun.RunAsync("/bin/sh", ["-c", "for d in first second host; do rm -rf \"$2/$d\" && cp -a \"$1/$d\" \"$2/$d\" || exit; done", "sh", from, to])).Must();
}
