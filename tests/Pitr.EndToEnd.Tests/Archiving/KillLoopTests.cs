using System.Globalization;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Format.Wal;
using Pitr.Postgres;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Archiving;

/// <summary>
/// Under pgbench, kill -9 of the agent, of pitr-archive (or the pitr that it has become), and of PostgreSQL, at random moments: whatever PostgreSQL has
/// been told is archived lies in the repository, authentic and byte for byte. PITR_TEST_KILLS says how often, PITR_TEST_SEED repeats the choices.
/// </summary>
public sealed class KillLoopTests(ITestOutputHelper output)
{
    readonly Random _random = new(TestEnvironment.Seed);
    readonly HashSet<string> _compared = new(StringComparer.Ordinal);

    // A killed server leaves its lock file behind, and the next one takes another port.
    volatile int _port;

    [Fact]
    public async Task Whatever_is_killed_no_acknowledged_segment_is_missing_or_wrong()
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed} PITR_TEST_KILLS={TestEnvironment.Kills}");
        // All WAL is kept, so that each segment can be compared with what PostgreSQL wrote.
        await using var cluster = await ProtectedCluster.CreateAsync(
            WalSegmentSize.From(1 << 20), settings: [("wal_keep_size", "64GB"), ("max_wal_size", "64GB"), ("min_wal_size", "2MB"), ("autovacuum", "off"), ("wal_compression", "off"), ("max_connections", "30")]);
        _port = cluster.Cluster.Server.Port;
        var bin = Path.GetDirectoryName(cluster.Cluster.BinDirectory.Program("postgres"))!;
        (await ProgramRun.RunAsync(Path.Combine(bin, "pgbench"), ["-i", "-q", "-s", "2", .. Login(cluster)])).Must();
        var killed = new Dictionary<string, int>(StringComparer.Ordinal);
        using var stop = new CancellationTokenSource();
        var load = LoadAsync(cluster, bin, stop.Token);
        try
        {
            for (var round = 0; round < TestEnvironment.Kills; round++)
            {
                // Something is archived between two kills, so that each hits work.
                await MoreIsArchivedAsync(cluster, 3);
                await Task.Delay(_random.Next(150));
                var victim = round switch { 0 => 0, 1 => 1, 2 => 2, _ => _random.Next(10) switch { < 4 => 0, < 7 => 1, _ => 2 } };
                var name = await KillAsync(cluster, victim);
                killed[name] = killed.GetValueOrDefault(name) + 1;
                RequireAcknowledgedIsStored(cluster);
                await MendAsync(cluster);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await load;
        }

        await ArchiveEverythingAsync(cluster);
        _compared.Clear();
        RequireAcknowledgedIsStored(cluster);
        using var contents = new RepositoryContents(cluster.Host.Repository, cluster.Host.IdentityFile);
        contents.OpenEverything();
        var list = (await cluster.Host.RunAsync("--output", "json", "wal", "list")).Must().Json;
        Assert.Empty(list.GetProperty("timelines")[0].GetProperty("gaps").EnumerateArray());
        // What is cut by a kill continues elsewhere by PostgreSQL's own rules: it is no damage.
        Assert.DoesNotContain("recovery will end at", await File.ReadAllTextAsync(cluster.Cluster.LogFile), StringComparison.Ordinal);
        output.WriteLine($"{string.Join(", ", killed.Select(k => $"{k.Value} × {k.Key}"))} killed; {_compared.Count} acknowledged segments compared");
    }

    async Task<string> KillAsync(ProtectedCluster cluster, int victim)
    {
        switch (victim)
        {
            case 0 when cluster.Agent is { } agent:
                await agent.KillAsync();
                return "agent";

            case 1:
                // Whichever of the two it is at that moment; with an agent a push lasts a few milliseconds.
                await Eventually.IsTrueAsync(() => Pushes(cluster).Count > 0, () => $"a push runs; {cluster.Log()}");
                foreach (var push in Pushes(cluster))
                {
                    Processes.Kill(push);
                }

                return "pitr-archive";

            default:
                Processes.Kill(int.Parse((await File.ReadAllLinesAsync(Path.Combine(cluster.Cluster.DataDirectory, "postmaster.pid")))[0], CultureInfo.InvariantCulture));
                await Eventually.IsTrueAsync(() => cluster.Cluster.Server.HasExited, () => "PostgreSQL is gone");
                return "PostgreSQL";
        }
    }

    // A killed pitr-archive needs no mending, but after it PostgreSQL starts its archiver anew only when ten seconds have passed since it last did.
    async Task MendAsync(ProtectedCluster cluster)
    {
        if (cluster.Agent!.HasExited)
        {
            // For a while archiving goes on without.
            await Task.Delay(_random.Next(300));
            cluster.Agent.Dispose();
            cluster.Agent = await cluster.Host.StartAgentAsync();
        }

        if (cluster.Cluster.Server.HasExited)
        {
            await Eventually.IsTrueAsync(
                async () =>
                {
                    try
                    {
                        await cluster.Cluster.StopAsync();
                        await cluster.Cluster.StartAsync();
                        _port = cluster.Cluster.Server.Port;
                        return true;
                    }
                    catch (ServerException)
                    {
                        // Its children are still ending.
                        return false;
                    }
                },
                () => "PostgreSQL starts again");
        }
    }

    static IReadOnlyList<int> Pushes(ProtectedCluster cluster) => Processes.Find("push", cluster.Host.ConfigurationFile);

    string[] Login(ProtectedCluster cluster) => ["-h", cluster.Cluster.SocketDirectory, "-p", _port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "postgres"];

    // Ends with PostgreSQL, and begins again; waits when the archiver is far behind, so that the test ends in bounded time.
    async Task LoadAsync(ProtectedCluster cluster, string bin, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (Waiting(cluster) > 40)
            {
                await Task.Delay(50, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
                continue;
            }

            await ProgramRun.RunAsync(Path.Combine(bin, "pgbench"), ["-n", "-c", "4", "-T", "1", .. Login(cluster)]);
        }
    }

    static int Waiting(ProtectedCluster cluster) => Directory.EnumerateFiles(Path.Combine(cluster.PgWal, "archive_status"), "*.ready").Count();

    static List<string> Acknowledged(ProtectedCluster cluster) =>
        [.. Directory.EnumerateFiles(Path.Combine(cluster.PgWal, "archive_status"), "*.done").Select(path => Path.GetFileNameWithoutExtension(path))];

    static async Task MoreIsArchivedAsync(ProtectedCluster cluster, int segments)
    {
        var enough = Acknowledged(cluster).Count + segments;
        await Eventually.IsTrueAsync(
            async () =>
            {
                await NudgeAsync(cluster);
                return Acknowledged(cluster).Count >= enough;
            },
            () => $"more segments are archived; {cluster.Log()}");
    }

    // When its archiver has ended PostgreSQL looks for that only once a minute, or when its configuration is read again.
    static async Task NudgeAsync(ProtectedCluster cluster)
    {
        await Task.Delay(100);
        await using var session = await cluster.OpenAsync();
        await session.ReloadAsync();
    }

    static async Task ArchiveEverythingAsync(ProtectedCluster cluster)
    {
        await cluster.ExecuteAsync("SELECT pg_switch_wal()");
        await Eventually.IsTrueAsync(
            async () =>
            {
                await NudgeAsync(cluster);
                return Waiting(cluster) == 0;
            },
            () => $"everything is archived; {cluster.Log()}");
    }

    void RequireAcknowledgedIsStored(ProtectedCluster cluster)
    {
        // Listed first: what is acknowledged later is looked at next time.
        var acknowledged = Acknowledged(cluster);
        Assert.NotEmpty(acknowledged);
        using var contents = new RepositoryContents(cluster.Host.Repository, cluster.Host.IdentityFile);
        foreach (var name in acknowledged.Where(name => WalFileName.TryParse(name, out _) && !_compared.Contains(name)))
        {
            var key = Path.GetRelativePath(cluster.Host.Repository, cluster.Host.WalPath(name));
            Assert.True(contents.Keys.Contains(key), $"{name} was acknowledged and is not stored");
            // Opening proves every byte; comparing, that they are PostgreSQL's.
            Assert.True(contents.Open(key).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(cluster.PgWal, name))), $"{name} is stored with other content");
            _compared.Add(name);
        }
    }
}
