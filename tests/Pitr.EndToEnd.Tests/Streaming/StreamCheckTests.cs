using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>`pitr check` of a service that is streamed.</summary>
public sealed class StreamCheckTests
{
    [Fact]
    public async Task Check_says_what_streaming_lacks()
    {
        await using var cluster = await StreamingCluster.CreateAsync();
        var checks = await CheckAsync(0);
        Assert.Contains("lets replication in", Detail(checks, "replication"), StringComparison.Ordinal);
        Assert.Contains("in use by process", Detail(checks, "replication slot"), StringComparison.Ordinal);
        Assert.Contains($"synchronous_standby_names = '{StreamingCluster.Slot}'", Detail(checks, "synchronous commit"), StringComparison.Ordinal);

        await cluster.MakeSynchronousAsync();
        Assert.Contains("is in the repositories", Detail(await CheckAsync(0), "synchronous commit"), StringComparison.Ordinal);
        await cluster.ExecuteAsync("ALTER SYSTEM SET synchronous_commit = remote_write");
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        await Eventually.IsTrueAsync(async () => await cluster.ScalarAsync<string>("SHOW synchronous_commit") == "remote_write", () => "reloaded");
        var wrong = Find(await CheckAsync(1), "synchronous commit");
        Assert.False(wrong.GetProperty("passed").GetBoolean());
        Assert.Contains("synchronous_commit = on", wrong.GetProperty("fix").GetString(), StringComparison.Ordinal);

        // Without an agent the slot keeps WAL for nobody.
        await cluster.ExecuteAsync("ALTER SYSTEM RESET synchronous_commit");
        await cluster.ExecuteAsync("ALTER SYSTEM RESET synchronous_standby_names");
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        await cluster.Agent!.KillAsync();
        await Eventually.IsTrueAsync(async () => await cluster.ScalarAsync<long>("SELECT count(*) FROM pg_replication_slots WHERE active") == 0, () => "the walsender ends");
        var nobody = Find(await CheckAsync(1), "replication slot");
        Assert.Contains("nobody streams", nobody.GetProperty("detail").GetString(), StringComparison.Ordinal);

        async Task<JsonElement[]> CheckAsync(int failures)
        {
            var run = await cluster.Host.RunAsync("--output", "json", "check", PitrHost.Service);
            Assert.True(failures > 0 == (run.ExitCode != 0), run.ToString());
            return [.. run.Json.GetProperty("checks").EnumerateArray()];
        }
    }

    static JsonElement Find(JsonElement[] checks, string name) => checks.Single(c => c.GetProperty("name").GetString() == name);

    static string Detail(JsonElement[] checks, string name) => Find(checks, name).GetProperty("detail").GetString()!;
}
