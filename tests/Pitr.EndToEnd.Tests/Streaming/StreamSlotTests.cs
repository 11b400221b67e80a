using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>A slot that keeps more and more, until the server gives it up: each state is said in time, and what is lost afterwards is called a gap.</summary>
public sealed class StreamSlotTests
{
    [Fact]
    public async Task A_slot_is_watched_until_it_is_lost_and_what_it_lost_is_called_a_gap()
    {
        await using var cluster = await StreamingCluster.CreateAsync(
            WalSegmentSize.From(1 << 20),
            ("max_slot_wal_keep_size", "24MB"), ("max_wal_size", "4MB"), ("min_wal_size", "2MB"), ("checkpoint_timeout", "1h"), ("archive_timeout", "0"));
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 1, '')");
        await cluster.EverythingIsStreamedAsync();
        Assert.Equal("reserved", Slot(await StatusAsync(cluster)).GetProperty("wal-status").GetString());

        // Nothing can be stored, and archive_command only pretends: soon WAL is in one place alone.
        var archiveCommand = await cluster.ScalarAsync<string>("SHOW archive_command");
        await cluster.ExecuteAsync("ALTER SYSTEM SET archive_command = '/bin/true'");
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        var away = cluster.Directory["away"];
        Directory.Move(cluster.Host.Repository, away);
        await WriteUntilAsync(cluster, "extended");
        var slot = Slot(await StatusAsync(cluster));
        Assert.Equal(("extended", 24L << 20), (slot.GetProperty("wal-status").GetString(), slot.GetProperty("max-keep-bytes").GetInt64()));

        // No checkpoint but the one below comes in between.
        await cluster.ExecuteAsync("ALTER SYSTEM SET max_wal_size = '1GB'");
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        await WriteUntilAsync(cluster, "true", "safe_wal_size < 5 * 1024 * 1024");
        await cluster.AgentSaysAsync("bytes more it may lose WAL (max_slot_wal_keep_size)");
        await WriteUntilAsync(cluster, "unreserved");
        await cluster.AgentSaysAsync("the next checkpoint may remove it");
        Assert.Contains("slot-unreserved", Problems(await StatusAsync(cluster)));

        // A checkpoint takes the slot away, and is not held up by an agent that has nowhere to put what it is sent.
        await WriteUntilAsync(cluster, "lost", more: "CHECKPOINT");
        await cluster.AgentSaysAsync("it is lost: WAL that was not streamed is gone");
        Assert.Contains("slot-lost", Problems(await StatusAsync(cluster)));
        Directory.Move(away, cluster.Host.Repository);
        await cluster.AgentSaysAsync($"SELECT pg_drop_replication_slot('{StreamingCluster.Slot}')");

        await cluster.ExecuteAsync($"SELECT pg_drop_replication_slot('{StreamingCluster.Slot}')");
        await cluster.IsStreamingAsync();
        await cluster.AgentSaysAsync("was not streamed, and the server has it no more");
        await cluster.EverythingIsStreamedAsync();
        var timeline = (await cluster.Host.RunAsync("--output", "json", "wal", "list")).Must().Json.GetProperty("timelines")[0];
        Assert.Single(timeline.GetProperty("gaps").EnumerateArray());
        Assert.Contains("gap ", (await cluster.Host.RunAsync("wal", "verify")).Must(9).Output, StringComparison.Ordinal);

        // A backup behind the gap begins anew, and nothing after it is missing.
        await cluster.ExecuteAsync($"ALTER SYSTEM SET archive_command = '{archiveCommand.Replace("'", "''", StringComparison.Ordinal)}'");
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        await cluster.BackupAsync();
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 2, '')");
        await cluster.EverythingIsStreamedAsync();
        await using var restored = await cluster.RestoreAsync("restored");
        await using var connection = await restored.OpenAsync();
        Assert.Superset(new HashSet<string> { "1 1", "1 2" }, await StreamingCluster.ReadAcknowledgedAsync(connection));
    }

    static Task WriteUntilAsync(ProtectedCluster cluster, string state, string of = "wal_status", string more = "SELECT 1") => Eventually.IsTrueAsync(
        async () =>
        {
            await cluster.ExecuteAsync("SELECT pg_switch_wal(), pg_logical_emit_message(false, 'x', repeat('x', 100000))");
            await cluster.ExecuteAsync(more);
            return await cluster.ScalarAsync<string>($"SELECT ({of})::text FROM pg_replication_slots WHERE slot_name = '{StreamingCluster.Slot}'") == state;
        },
        () => $"the slot is {state}; {cluster.Log()}\n{cluster.AgentLog()}");

    // Whatever its exit code: repositories are away, slots are lost.
    static async Task<JsonElement> StatusAsync(ProtectedCluster cluster) => (await cluster.Host.RunAsync("--output", "json", "wal", "status", "--sample", "0s")).Json;

    static JsonElement Slot(JsonElement status) => status.GetProperty("slots").EnumerateArray().Single(s => s.GetProperty("name").GetString() == StreamingCluster.Slot);

    static string[] Problems(JsonElement status) => [.. status.GetProperty("problems").EnumerateArray().Select(p => p.GetProperty("name").GetString()!)];
}
