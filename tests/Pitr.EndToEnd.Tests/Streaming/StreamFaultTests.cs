using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>What goes wrong around a stream: kills, restarts, a second agent, a repository that is down, a slot that has lost its WAL.</summary>
public sealed class StreamFaultTests
{
    static readonly WalSegmentSize Small = WalSegmentSize.From(1 << 20);

    [Fact]
    public async Task Killing_the_agent_leaves_no_gap_and_no_conflict()
    {
        await using var cluster = await StreamingCluster.CreateAsync(Small, ("wal_keep_size", "1GB"));
        await cluster.BackupAsync();
        var random = new Random(TestEnvironment.Seed);
        var writers = new AcknowledgedWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", random.Next());
        await using (writers)
        {
            for (var round = 0; round < 5; round++)
            {
                await cluster.IsStreamingAsync();
                await Task.Delay(random.Next(1500));
                await cluster.Agent!.KillAsync();
                cluster.Agent.Dispose();
                cluster.Agent = await cluster.Host.StartAgentAsync();
            }
        }

        await cluster.ArchiveEverythingAsync();
        await cluster.EverythingIsStreamedAsync();
        Assert.DoesNotContain("other content", cluster.AgentLog(), StringComparison.Ordinal);
        using var contents = new RepositoryContents(cluster.Host.Repository, cluster.Host.IdentityFile);
        contents.OpenEverything();
        var timelines = (await cluster.Host.RunAsync("--output", "json", "wal", "list")).Must().Json.GetProperty("timelines");
        Assert.Empty(timelines[0].GetProperty("gaps").EnumerateArray());
        await using var restored = await cluster.RestoreAsync("restored");
        await using var connection = await restored.OpenAsync();
        Assert.Subset(await StreamingCluster.ReadAcknowledgedAsync(connection), writers.Acknowledged.ToHashSet());
    }

    [Fact]
    public async Task The_stream_goes_on_after_a_restart_of_the_server()
    {
        await using var cluster = await StreamingCluster.CreateAsync(Small);
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 1, 'before')");

        // A fast stop waits until the stream has everything, the last checkpoint included.
        await cluster.Cluster.StopAsync();
        await cluster.AgentSaysAsync("interrupted");
        await cluster.Cluster.StartAsync();
        await cluster.IsStreamingAsync();
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 2, 'after')");
        await cluster.EverythingIsStreamedAsync();
        Assert.DoesNotContain("other content", cluster.AgentLog(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commits_wait_while_the_repository_is_away_and_go_on_afterwards()
    {
        await using var cluster = await StreamingCluster.CreateAsync();
        await cluster.MakeSynchronousAsync();
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 1, '')");
        var away = cluster.Directory["away"];
        Directory.Move(cluster.Host.Repository, away);
        var commit = cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 2, '')");
        await cluster.AgentSaysAsync("cannot be stored; commits wait");
        Assert.False(commit.IsCompleted);
        Directory.Move(away, cluster.Host.Repository);
        await commit;
    }

    [Fact]
    public async Task A_second_agent_is_refused_until_the_first_is_gone()
    {
        await using var cluster = await StreamingCluster.CreateAsync(Small);
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 1, '')");
        var second = new PitrHost(cluster.Directory.New("second"), cluster.Host.Repository);
        File.Copy(Path.Combine(cluster.Host.Directory, "recipient.pem"), Path.Combine(second.Directory, "recipient.pem"));
        File.Copy(cluster.Host.IdentityFile, second.IdentityFile);
        second.WriteConfiguration();
        var configuration = await File.ReadAllTextAsync(second.ConfigurationFile);
        await File.WriteAllTextAsync(second.ConfigurationFile, configuration.TrimEnd() + "\n    wal: { stream: true }\n");
        second.Environment["PITR_SERVICES__MAIN__CONNECTION"] = cluster.Cluster.ConnectionString();
        second.Environment["PITR_LOG__FILE"] = cluster.AgentLogFile() + "2";
        using var other = await second.StartAgentAsync();
        await Eventually.IsTrueAsync(() => File.Exists(cluster.AgentLogFile() + "2") && ReadLog(cluster).Contains($"replication slot {StreamingCluster.Slot} is in use", StringComparison.Ordinal), () => "it is refused");

        await cluster.Agent!.KillAsync();
        await cluster.IsStreamingAsync();
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 2, ''); SELECT pg_switch_wal()");
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 3, '')");
        await cluster.EverythingIsStreamedAsync();
        Assert.DoesNotContain("other content", ReadLog(cluster), StringComparison.Ordinal);
        using var contents = new RepositoryContents(cluster.Host.Repository, cluster.Host.IdentityFile);
        contents.OpenEverything();
    }

    [Fact]
    public async Task A_slot_that_lost_its_WAL_is_reported_with_the_way_out()
    {
        await using var cluster = await StreamingCluster.CreateAsync(Small, ("max_slot_wal_keep_size", "2MB"), ("max_wal_size", "4MB"), ("min_wal_size", "2MB"));
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 1, '')");
        await cluster.EverythingIsStreamedAsync();
        await cluster.Agent!.KillAsync();
        cluster.Agent.Dispose();
        for (var i = 0; i < 10; i++)
        {
            await cluster.ExecuteAsync("SELECT pg_switch_wal(), pg_logical_emit_message(false, 'x', repeat('x', 100000))");
        }

        await cluster.ExecuteAsync("CHECKPOINT");
        await Eventually.IsTrueAsync(
            async () =>
            {
                await cluster.ExecuteAsync("SELECT pg_switch_wal(), pg_logical_emit_message(false, 'x', repeat('x', 100000))");
                await cluster.ExecuteAsync("CHECKPOINT");
                return await cluster.ScalarAsync<string>($"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{StreamingCluster.Slot}'") == "lost";
            },
            () => "the slot is lost");
        cluster.Agent = await cluster.Host.StartAgentAsync();
        await cluster.AgentSaysAsync($"SELECT pg_drop_replication_slot('{StreamingCluster.Slot}')");

        await cluster.ExecuteAsync($"SELECT pg_drop_replication_slot('{StreamingCluster.Slot}')");
        await cluster.IsStreamingAsync();
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 2, '')");
        await cluster.EverythingIsStreamedAsync();

        // archive_command, which was there all the time, has what the stream has not.
        await cluster.ArchiveEverythingAsync();
        var timelines = (await cluster.Host.RunAsync("--output", "json", "wal", "list")).Must().Json.GetProperty("timelines");
        Assert.Empty(timelines[0].GetProperty("gaps").EnumerateArray());
    }

    static string ReadLog(ProtectedCluster cluster)
    {
        using var reader = new StreamReader(new FileStream(cluster.AgentLogFile() + "2", FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }
}
