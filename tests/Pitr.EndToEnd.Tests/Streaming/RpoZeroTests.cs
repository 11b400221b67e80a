using System.Globalization;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>
/// With synchronous_standby_names naming the stream nothing that was acknowledged is lost, whatever is killed when: recovery from repository and identity alone
/// brings back every transaction that a client got an answer for. PITR_TEST_STREAM_ROUNDS says how often, PITR_TEST_SEED repeats a run's choices.
/// </summary>
public sealed class RpoZeroTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_acknowledged_transaction_is_there_after_the_primary_is_destroyed()
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}");
        var random = new Random(TestEnvironment.Seed);
        for (var round = 0; round < TestEnvironment.StreamRounds; round++)
        {
            await LoseThePrimaryAsync(round, random);
        }
    }

    async Task LoseThePrimaryAsync(int round, Random random)
    {
        // Small segments come to their end often, large ones have many pieces.
        var size = WalSegmentSize.From(round % 2 == 0 ? 1 << 20 : 16 << 20);
        await using var cluster = await StreamingCluster.CreateAsync(size);
        await cluster.BackupAsync();
        await cluster.MakeSynchronousAsync();
        var writers = new AcknowledgedWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", random.Next());
        await using (writers)
        {
            await Eventually.IsTrueAsync(() => writers.Acknowledged.Count > 20, () => $"transactions are acknowledged; {cluster.Log()}");
            await Task.Delay(random.Next(2500));
            switch (round % 3)
            {
                case 1:
                    // The agent dies first, and is not there to store anything after the server's end.
                    await cluster.Agent!.KillAsync();
                    await Task.Delay(random.Next(50));
                    break;
                case 2:
                    // It dies, comes back, and goes on.
                    await cluster.Agent!.KillAsync();
                    var before = writers.Acknowledged.Count;
                    cluster.Agent.Dispose();
                    cluster.Agent = await cluster.Host.StartAgentAsync();
                    await Eventually.IsTrueAsync(() => writers.Acknowledged.Count > before + AcknowledgedWriters.Clients, () => $"commits go on; {cluster.Log()}");
                    await Task.Delay(random.Next(1000));
                    break;
            }

            await cluster.DestroyAsync();
            await writers.EndAsync();
        }

        await cluster.Agent!.KillAsync();
        // The backup logged into the same file: every line begins a line.
        Assert.Contains(" INF every page is copied: ", cluster.AgentLog(), StringComparison.Ordinal);
        Assert.DoesNotMatch(@"[^\n]\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S+ (INF|WRN|ERR) ", cluster.AgentLog());
        var machine = cluster.OtherMachine("machine");
        await using var restored = await RestoredCluster.StartAsync(machine, cluster.Directory["restored"]);
        await using var connection = await restored.OpenAsync();
        var recovered = await StreamingCluster.ReadAcknowledgedAsync(connection);
        var latencies = writers.Latencies;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"round {round}: segments of {size}, {writers.Acknowledged.Count} acknowledged, {recovered.Count} recovered, {cluster.Pieces().Count} pieces; commit median {latencies[latencies.Count / 2]:0.0} ms, 95 % {latencies[latencies.Count * 95 / 100]:0.0} ms"));
        var missing = writers.Acknowledged.Where(t => !recovered.Contains(t)).ToArray();
        Assert.True(missing.Length == 0, $"round {round}: {missing.Length} of {writers.Acknowledged.Count} acknowledged transactions are missing: {string.Join(", ", missing.Take(10))}");
    }
}
