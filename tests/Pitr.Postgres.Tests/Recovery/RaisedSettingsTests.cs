using Pitr.Postgres.Cluster;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.BaseBackup;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Recovery;

public class RaisedSettingsTests
{
    [Fact]
    public async Task A_pause_because_of_settings_raised_after_the_backup_is_no_target_reached()
    {
        using var directory = new TestDirectory();
        var archive = directory.NewSub("archive");
        await using var cluster = await ScratchClusters.CreateAsync(
            15,
            directory.Sub("c"),
            settings: [("archive_mode", "on"), ("archive_command", $"cp %p {archive}/%f")]);
        var data = directory.Sub("data");
        await BaseBackups.TakeAsync(cluster.BinDirectory, cluster.ConnectionString(), data);
        await using (var session = await PostgresSession.OpenAsync(cluster.ConnectionString()))
        {
            await session.AlterSystemAsync("max_connections", "150");
        }

        await cluster.StopAsync();
        await cluster.StartAsync();
        await using (var session = await PostgresSession.OpenAsync(cluster.ConnectionString()))
        {
            var last = await session.SwitchWalAsync();
            await Eventually.IsTrueAsync(() => Task.FromResult(File.Exists(Path.Combine(archive, last.ToString()))), "the last segment is archived");
        }

        new RecoverySettings(RecoveryTarget.Latest, "latest", RecoveryAction.Pause, $"cp {archive}/%f %p", Standby: false).WriteTo(data);
        await using var server = PostgresServer.Start(new PostgresServerOptions
        {
            BinDirectory = cluster.BinDirectory,
            DataDirectory = data,
            SocketDirectory = directory.NewSub("s"),
            LogFile = directory.Sub("log"),
            StopOnDispose = ServerStopMode.Immediate,
        });

        var error = await Assert.ThrowsAsync<ServerException>(() => server.WaitUntilRecoveryEndsAsync());

        Assert.Contains("max_connections = 100 is a lower setting than on the primary server, where its value was 150", error.Message, StringComparison.Ordinal);
        Assert.Contains("at least as high", error.Hint, StringComparison.Ordinal);
    }
}
