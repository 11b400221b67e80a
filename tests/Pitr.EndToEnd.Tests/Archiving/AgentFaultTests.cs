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
        await FillAsync(cluster, 5);
        await EverythingIsArchivedAsync(cluster);
        var away = cluster.Directory["away"];
        Directory.Move(cluster.Host.Repository, away);
        var acknowledged = Acknowledged(cluster).Count;

        // More waits than the agent looks ahead.
        await FillAsync(cluster, 70);
        await Task.Delay(TestEnvironment.Outage);

        // What had been begun may have ended just before.
        Assert.InRange(Acknowledged(cluster).Count, acknowledged, acknowledged + 1);
        Assert.InRange(Waiting(cluster).Count, 65, 80);
        Assert.False(Directory.Exists(cluster.Host.Repository) && Directory.EnumerateFiles(cluster.Host.Repository, "*", SearchOption.AllDirectories).Any());
        if (Directory.Exists(cluster.Host.Repository))
        {
            Directory.Delete(cluster.Host.Repository, recursive: true);
        }

        Directory.Move(away, cluster.Host.Repository);
        await EverythingIsArchivedAsync(cluster);
    }

    [Fact]
    public async Task A_state_directory_that_takes_no_file_stops_archiving_and_nothing_is_acknowledged_until_it_does()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), withAgent: false);
        // A directory in which nothing can be made: what a full disk is to whoever wants to write a small file.
        Directory.CreateDirectory(cluster.Host.StateDirectory);
        var mode = File.GetUnixFileMode(cluster.Host.StateDirectory);
        foreach (var inside in Directory.EnumerateDirectories(cluster.Host.StateDirectory))
        {
            Directory.Delete(inside, recursive: true);
        }

        File.SetUnixFileMode(cluster.Host.StateDirectory, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        cluster.Agent = await cluster.Host.StartAgentAsync();
        await FillAsync(cluster, 1);
        await Eventually.IsTrueAsync(
            async () => await cluster.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver") > 0, () => $"without a data key nothing is archived; {cluster.Log()}");
        Assert.Empty(Acknowledged(cluster));
        Assert.False(Directory.Exists(cluster.Host.PathOf("services/main/wal")));

        File.SetUnixFileMode(cluster.Host.StateDirectory, mode);
        await EverythingIsArchivedAsync(cluster);
    }

    static Task FillAsync(ProtectedCluster cluster, int segments) => cluster.ExecuteAsync(string.Concat(
        Enumerable.Repeat("SELECT pg_logical_emit_message(false, 'fill', repeat(md5(random()::text), 3000)); SELECT pg_switch_wal();", segments)));

    // After three refusals in a row PostgreSQL asks again only after a minute, or when its configuration is read again.
    static async Task EverythingIsArchivedAsync(ProtectedCluster cluster)
    {
        await cluster.ExecuteAsync("SELECT pg_switch_wal()");
        await Eventually.IsTrueAsync(
            async () =>
            {
                await using var session = await cluster.OpenAsync();
                await session.ReloadAsync();
                await Task.Delay(100);
                return Waiting(cluster).Count == 0;
            },
            () => $"everything is archived; {cluster.Log()}");
        using var contents = new RepositoryContents(cluster.Host.Repository, cluster.Host.IdentityFile);
        contents.OpenEverything();
        foreach (var name in Acknowledged(cluster))
        {
            var stored = contents.Open(Path.GetRelativePath(cluster.Host.Repository, cluster.Host.WalPath(name)));
            var live = Path.Combine(cluster.PgWal, name);
            Assert.True(!File.Exists(live) || stored.AsSpan().SequenceEqual(File.ReadAllBytes(live)), $"{name} is stored with other content");
        }
    }

    static List<string> Acknowledged(ProtectedCluster cluster) => Status(cluster, ".done");

    static List<string> Waiting(ProtectedCluster cluster) => Status(cluster, ".ready");

    static List<string> Status(ProtectedCluster cluster, string suffix) =>
        [.. Directory.EnumerateFiles(Path.Combine(cluster.PgWal, "archive_status"), "*" + suffix).Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];
}
