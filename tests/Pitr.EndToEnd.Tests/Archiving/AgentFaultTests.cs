using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Archiving;

/// <summary>Trouble around a running agent and a running server: nothing is acknowledged that is not stored, and afterwards archiving goes on by itself.</summary>
public sealed class AgentFaultTests
{
    [Fact]
    public async Task A_repository_that_is_away_for_a_while_is_waited_for_and_everything_is_archived_when_it_is_back()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("wal_keep_size", "4GB"), ("max_wal_size", "4GB")]);
        await cluster.FillAsync(5);
        await cluster.EverythingIsArchivedAsync();
        var away = cluster.Directory["away"];
        Directory.Move(cluster.Host.Repository, away);
        var acknowledged = cluster.Acknowledged().Count;

        // More waits than the agent looks ahead.
        await cluster.FillAsync(70);
        await Task.Delay(TestEnvironment.Outage);

        // What had been begun may have ended just before.
        Assert.InRange(cluster.Acknowledged().Count, acknowledged, acknowledged + 1);
        Assert.InRange(cluster.Waiting().Count, 65, 80);
        Assert.False(Directory.Exists(cluster.Host.Repository) && Directory.EnumerateFiles(cluster.Host.Repository, "*", SearchOption.AllDirectories).Any());
        if (Directory.Exists(cluster.Host.Repository))
        {
            Directory.Delete(cluster.Host.Repository, recursive: true);
        }

        Directory.Move(away, cluster.Host.Repository);
        await cluster.EverythingIsArchivedAsync();
    }
}
