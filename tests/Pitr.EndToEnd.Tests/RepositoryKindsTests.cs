using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.EndToEnd.Tests;

/// <summary>The first steps of a user with each kind of repository, against a real server: init, check, agent, backup, restore.</summary>
public sealed class RepositoryKindsTests : IDisposable
{
    readonly TestDirectory _directory = new();
    readonly PitrHost _host;

    public RepositoryKindsTests() => _host = new PitrHost(_directory.New("host"), _directory["none"]);

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("ceph-rgw")]
    [InlineData("sshd")]
    [InlineData("ftpd")]
    public async Task Story(string kind)
    {
        await using var remote = await RemoteRepository.StartAsync(kind, _directory);
        foreach (var (name, value) in remote.Environment)
        {
            _host.Environment[name] = value;
        }

        await StoryAsync(remote.Url, remote.Options, remote.Secret);
    }

    async Task StoryAsync(string url, IReadOnlyList<string> options, string? secret)
    {
        await using var cluster = await ScratchCluster.CreateAsync(new ScratchClusterOptions
        {
            BinDirectory = PostgresBinaries.Find(15),
            Directory = _directory["pg"],
            Fsync = false,
            StopOnDispose = ServerStopMode.Immediate,
            Settings = new Dictionary<string, string> { ["archive_mode"] = "on" },
        });
        var runs = new List<ProgramRun>
        {
            (await _host.InitWithAsync(cluster.ConnectionString(), cluster.DataDirectory, url, options, "--apply")).Must(),
            (await _host.RunAsync("config", "show")).Must(),
            (await _host.RunAsync("--output", "json", "config", "show")).Must(),
        };
        var again = (await _host.RunAsync("--output", "json", "repo", "init", "local")).Must();
        Assert.Equal((url, false), (again.Json.GetProperty("url").GetString(), again.Json.GetProperty("made").GetBoolean()));

        using (var agent = await _host.StartAgentAsync())
        {
            runs.Add((await _host.RunAsync("check", "main")).Must());
            await ExecuteAsync(cluster, "create table t as select g from generate_series(1, 1000) g");
            runs.Add((await _host.RunAsync("--output", "json", "backup", "main")).Must());
            await ExecuteAsync(cluster, "insert into t select g from generate_series(1001, 2000) g");
            await ArchiveAsync(cluster);
            await using (var restored = await RestoredCluster.StartAsync(_host, _directory["to"]))
            {
                Assert.Equal(2000L, await restored.ScalarAsync<long>("select count(distinct g) from t"));
            }

            await agent.KillAsync();
            runs.Add(await agent.EndAsync(TimeSpan.FromMinutes(1)));
        }

        if (secret is not null)
        {
            Assert.All(runs, run => Assert.DoesNotContain(secret, run.ToString(), StringComparison.Ordinal));
            Assert.DoesNotContain(secret, await File.ReadAllTextAsync(_host.ConfigurationFile), StringComparison.Ordinal);
        }
    }

    static async Task ExecuteAsync(ScratchCluster cluster, string sql)
    {
        await using var session = await PostgresSession.OpenAsync(cluster.ConnectionString() + ";Pooling=false");
        await session.ExecuteAsync(sql);
    }

    /// <summary>Completes the current segment and waits until the server has been told that it is stored.</summary>
    async Task ArchiveAsync(ScratchCluster cluster)
    {
        await using var session = await PostgresSession.OpenAsync(cluster.ConnectionString() + ";Pooling=false");
        var segment = (await session.SwitchWalAsync()).ToString();
        await Eventually.IsTrueAsync(
            async () => (await _host.RunAsync("--output", "json", "info", "main")).Must().Output.Contains(segment, StringComparison.Ordinal)
                || File.Exists(Path.Combine(cluster.DataDirectory, "pg_wal", "archive_status", segment + ".done")),
            () => $"{segment} is archived; {string.Join('\n', cluster.Server.LogTail(30))}");
    }
}
