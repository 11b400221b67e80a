using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>
/// kill -9 of restores, one after the other into the same directory, at moments of their whole course: what is not whole never starts, and what comes out in the
/// end is byte by byte what an undisturbed restore makes. PITR_TEST_RESTORE_KILLS says how often; PITR_TEST_SEED repeats a run's choices.
/// </summary>
[Collection(RestorableServiceCollection.Name)]
public sealed class KilledRestoreTests(RestorableService service, ITestOutputHelper output) : IDisposable
{
    // Less would say little.
    const int FewestHalves = 3;

    readonly TestDirectory _directory = new();
    readonly Random _random = new(TestEnvironment.Seed);

    PitrHost Host => service.Host;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_restore_that_is_killed_again_and_again_ends_as_an_undisturbed_one()
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}, {service.Packs} packs");
        var to = _directory["to"];
        var halves = 0;
        for (var round = 0; round < TestEnvironment.RestoreKills || halves < FewestHalves; round++)
        {
            await KillAsync(to, service.Restore(to));
            if (await IsHalfAsync(to))
            {
                halves++;
            }
            else if (File.Exists(Path.Combine(to, "global/pg_control")))
            {
                Assert.Equal("", service.Reference.Difference(RestorableService.Tree(to)));
                (await Host.RunAsync(service.Restore(to))).Must(8).MustSay("not empty");
                Directory.Delete(to, recursive: true);
                Directory.Delete(to + ".space", recursive: true);
            }
        }

        output.WriteLine($"{halves} were cut in the middle");
        if (!File.Exists(Path.Combine(to, "global/pg_control")) || RestoredTree.IsMarked(to))
        {
            (await Host.RunAsync(service.Restore(to))).Must();
        }

        await RequireReferenceAsync(to);
    }

    [Fact]
    public async Task So_does_one_over_an_existing_cluster()
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}, {service.Packs} packs");
        var to = _directory["to"];
        await MakeOtherAsync(to);
        var other = RestorableService.Tree(to);
        var halves = 0;
        for (var round = 0; round < TestEnvironment.RestoreKills || halves < FewestHalves; round++)
        {
            await KillAsync(to, service.Restore(to, "--delta"));
            if (await IsHalfAsync(to))
            {
                halves++;
            }
            else
            {
                var tree = RestorableService.Tree(to);
                Assert.True(tree.Difference(other).Length == 0 || tree.Difference(service.Reference).Length == 0, $"neither the one nor the other:\n{tree.Difference(service.Reference)}");
            }
        }

        output.WriteLine($"{halves} were cut in the middle");
        (await Host.RunAsync(service.Restore(to, "--delta"))).Must();
        await RequireReferenceAsync(to);
    }

    // The older backup, brought to the end of the archive, written, and stopped.
    async Task MakeOtherAsync(string to)
    {
        await using var cluster = await RestoredCluster.StartAtAsync(Host, to, _directory.New("s"), [.. service.Restore(to)[4..], "--backup", service.First]);
        await using (var connection = await cluster.OpenAsync())
        {
            await using var writing = new Npgsql.NpgsqlCommand("UPDATE bulk SET v = 'other' WHERE i % 10 = 0; TRUNCATE there; CREATE TABLE mine AS SELECT generate_series(1, 10000) i; CHECKPOINT", connection);
            await writing.ExecuteNonQueryAsync();
        }

        await cluster.StopAsync();
        cluster.Release();
    }

    // After some more packs than before, or near the end, and some milliseconds.
    async Task KillAsync(string to, string[] arguments)
    {
        var written = RestoredTree.PacksIn(to) + _random.Next(5);
        var near = _random.Next(8) switch { 0 => "recovery.signal", 1 => "global/pg_control", _ => null };
        using var restore = Host.Start(arguments);
        while (!restore.HasExited && !(near is null ? RestoredTree.PacksIn(to) >= written && RestoredTree.IsMarked(to) : RestoredTree.IsMarked(to) && File.Exists(Path.Combine(to, near))))
        {
            await Task.Delay(1);
        }

        await Task.Delay(_random.Next(15));
        await restore.KillAsync();
    }

    // Marked and without a control file, which no server starts without; or marked with one, then all the rest is there.
    async Task<bool> IsHalfAsync(string to)
    {
        if (!RestoredTree.IsMarked(to))
        {
            return false;
        }

        if (File.Exists(Path.Combine(to, "global/pg_control")))
        {
            Assert.Equal("", service.Reference.Difference(RestorableService.Tree(to)));
            return true;
        }

        var start = await ProgramRun.RunAsync(
            PostgresBinaries.Find(15).Program("postgres"), ["-D", to, "-c", "listen_addresses=", "-c", $"unix_socket_directories={_directory.Path}"]);
        Assert.NotEqual(0, start.ExitCode);
        return true;
    }

    async Task RequireReferenceAsync(string to)
    {
        Assert.Equal("", service.Reference.Difference(RestorableService.Tree(to)));
        await using var cluster = RecoveringCluster.Start(Host, to);
        await cluster.WaitUntilRecoveryEndsAsync();
        await cluster.WaitUntilAcceptingAsync();
        ClusterContent.RequireSame(service.Content, await ClusterContent.ReadAsync(cluster.ConnectionString));
    }
}
