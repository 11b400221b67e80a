using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Recovery;

public class RecoveryVersionsTests
{
    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(15)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public async Task Pauses_at_a_restore_point_and_promotes_from_there(int version)
    {
        using var directory = new TestDirectory();
        var archive = directory.NewSub("archive");
        await using var cluster = await ScratchClusters.CreateAsync(
            version,
            directory.Sub("c"),
            WalSegmentSize.From(1 << 20),
            settings: [("archive_mode", "on"), ("archive_command", $"cp %p {archive}/%f")]);

        // A copy of the stopped cluster is a backup too, and pg_basebackup of 15 does not talk to later servers.
        await cluster.StopAsync();
        var data = directory.Sub("data");
        DirectoryCopy.Copy(cluster.DataDirectory, data);
        await cluster.StartAsync();
        await using (var session = await PostgresSession.OpenAsync(cluster.ConnectionString()))
        {
            await session.ExecuteAsync("CREATE TABLE t (id int)");
            await session.ExecuteAsync("INSERT INTO t VALUES (1)");
            await session.ExecuteAsync("SELECT pg_create_restore_point('here')");
            await session.ExecuteAsync("INSERT INTO t VALUES (2)");
            var last = await session.SwitchWalAsync();
            await Eventually.IsTrueAsync(() => Task.FromResult(File.Exists(Path.Combine(archive, last.ToString()))), "the last segment is archived");
        }

        new RecoverySettings(RecoveryTarget.AtName("here"), null, RecoveryAction.Pause, $"cp {archive}/%f %p", Standby: false).WriteTo(data);
        await using var server = PostgresServer.Start(new PostgresServerOptions
        {
            BinDirectory = cluster.BinDirectory,
            DataDirectory = data,
            SocketDirectory = directory.NewSub("s"),
            LogFile = directory.Sub("log"),
            Settings = new Dictionary<string, string> { ["archive_mode"] = "off" },
            StopOnDispose = ServerStopMode.Immediate,
        });

        Assert.Equal(RecoveryEnd.Paused, await server.WaitUntilRecoveryEndsAsync());
        Assert.Equal(1, Assert.Single(await RecoveryScenario.ReadIdsAsync(server)));
        await using var paused = await PostgresSession.OpenAsync(server.ConnectionString());
        Assert.True((await paused.ReadFactsAsync()).InRecovery);
        await paused.ExecuteAsync("SELECT pg_wal_replay_resume()");
        Assert.Equal(RecoveryEnd.Promoted, await server.WaitUntilRecoveryEndsAsync());
        Assert.Equal(new Timeline(2), (await paused.ReadFactsAsync()).Timeline);

        // The first segment of the new timeline begins with the old one's pages.
        var segment = Directory.EnumerateFiles(Path.Combine(data, "pg_wal"), "00000002*").Where(path => Path.GetFileName(path).Length == WalSegmentName.Length).Order(StringComparer.Ordinal).First();
        var content = await File.ReadAllBytesAsync(segment);
        var header = Postgres.Wal.WalSegmentHeader.Parse(content);
        header.RequireMatches(WalSegmentName.Parse(Path.GetFileName(segment)), content.Length);
        Assert.Equal(new Timeline(1), header.Timeline);
    }
}
