using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Cluster;

public class PostgresServerTests
{
    [Theory]
    [InlineData(ServerStopMode.Smart, ClusterState.ShutDown)]
    [InlineData(ServerStopMode.Fast, ClusterState.ShutDown)]
    [InlineData(ServerStopMode.Immediate, ClusterState.InProduction)]
    public async Task Stops_as_asked_and_starts_again(ServerStopMode mode, ClusterState state)
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(15, directory.Sub("c"));
        var first = cluster.Server.ProcessId;

        await cluster.StopAsync(mode);

        Assert.Equal(state, ControlFile.ReadFrom(cluster.DataDirectory).State);
        Assert.False(Directory.Exists($"/proc/{first}"));
        await cluster.StartAsync();
        Assert.Equal(RecoveryEnd.Promoted, await cluster.Server.WaitUntilRecoveryEndsAsync());
    }

    [Fact]
    public async Task Leaves_nothing_behind()
    {
        using var directory = new TestDirectory();
        var cluster = await ScratchClusters.CreateAsync(15, directory.Sub("c"), checksums: false);
        var process = cluster.Server.ProcessId;
        Assert.Equal(0u, ControlFile.ReadFrom(cluster.DataDirectory).ChecksumVersion);

        await cluster.DisposeAsync();

        Assert.False(Directory.Exists($"/proc/{process}"));
        Assert.False(Directory.Exists(directory.Sub("c")));
    }

    [Fact]
    public async Task Says_with_the_servers_words_why_it_does_not_start()
    {
        using var directory = new TestDirectory();
        var error = await Assert.ThrowsAsync<ServerException>(
            () => ScratchClusters.CreateAsync(15, directory.Sub("c"), settings: [("work_mem", "much")]));

        Assert.Contains("invalid value for parameter \"work_mem\": \"much\"", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
        Assert.False(Directory.Exists(directory.Sub("c")));
    }

    [Fact]
    public async Task Notices_that_the_server_died()
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(15, directory.Sub("c"));
        await cluster.Server.StopAsync(ServerStopMode.Immediate);

        var error = await Assert.ThrowsAsync<ServerException>(() => cluster.Server.WaitUntilAcceptingAsync());

        Assert.True(cluster.Server.HasExited);
        Assert.Contains(cluster.DataDirectory, error.Message, StringComparison.Ordinal);
        Assert.Contains("immediate shutdown request", string.Join('\n', cluster.Server.LogTail(20)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_a_second_server_on_the_same_directory()
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(15, directory.Sub("c"));
        await using var second = PostgresServer.Start(Options(cluster, directory.NewSub("s"), directory.Sub("second.log")));

        var error = await Assert.ThrowsAsync<ServerException>(() => second.WaitUntilAcceptingAsync());

        Assert.Contains("lock file \"postmaster.pid\" already exists", error.Message, StringComparison.Ordinal);
        Assert.Contains("another server", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_several_servers_in_one_socket_directory()
    {
        using var directory = new TestDirectory();
        await using var first = await ScratchClusters.CreateAsync(15, directory.Sub("a"));
        await using var second = await ScratchClusters.CreateAsync(15, directory.Sub("b"));
        await second.StopAsync();
        await using var server = PostgresServer.Start(Options(second, first.SocketDirectory, directory.Sub("log")));
        await server.WaitUntilAcceptingAsync();

        Assert.NotEqual(first.Server.Port, server.Port);
        await using var session = await PostgresSession.OpenAsync(server.ConnectionString());
        Assert.Equal(second.DataDirectory, (await session.ReadFactsAsync()).DataDirectory);
    }

    [Fact]
    public async Task Refuses_socket_directories_the_kernel_cannot_use()
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(15, directory.Sub("c"));
        var longDirectory = directory.NewSub(new string('x', 90));

        var tooLong = Assert.Throws<ServerException>(() => PostgresServer.Start(Options(cluster, longDirectory, directory.Sub("log"))));
        Assert.Contains("too long", tooLong.Message, StringComparison.Ordinal);
        var missing = Assert.Throws<ServerException>(() => PostgresServer.Start(Options(cluster, directory.Sub("none"), directory.Sub("log"))));
        Assert.Contains(directory.Sub("none"), missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Detached_runs_on()
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(15, directory.Sub("c"));
        await cluster.StopAsync();
        var server = PostgresServer.Start(Options(cluster, cluster.SocketDirectory, directory.Sub("log")));
        await server.WaitUntilAcceptingAsync();
        server.Detach();
        await server.DisposeAsync();
        try
        {
            await using var session = await PostgresSession.OpenAsync(server.ConnectionString());
            Assert.False((await session.ReadFactsAsync()).InRecovery);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => server.StopAsync());
        }
        finally
        {
            LibC.Signal(server.ProcessId, LibC.SigQuit);
            await Eventually.IsTrueAsync(() => Task.FromResult(!File.Exists(Path.Combine(cluster.DataDirectory, "postmaster.pid"))), "the server is gone");
        }
    }

    [Fact]
    public async Task Runs_with_configuration_files_outside_the_data_directory()
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(15, directory.Sub("c"));
        await cluster.StopAsync();
        foreach (var name in (string[])["postgresql.conf", "pg_hba.conf", "pg_ident.conf"])
        {
            File.Move(Path.Combine(cluster.DataDirectory, name), directory.Sub(name));
        }

        await File.AppendAllTextAsync(directory.Sub("postgresql.conf"), "cluster_name = 'elsewhere'\n");
        await using var server = PostgresServer.Start(Options(cluster, cluster.SocketDirectory, directory.Sub("log")) with
        {
            ConfigFile = directory.Sub("postgresql.conf"),
            HbaFile = directory.Sub("pg_hba.conf"),
            IdentFile = directory.Sub("pg_ident.conf"),
            Settings = new Dictionary<string, string> { ["work_mem"] = "9MB" },
        });
        await server.WaitUntilAcceptingAsync();

        await using var session = await PostgresSession.OpenAsync(server.ConnectionString());
        var settings = await session.ReadSettingsAsync("cluster_name", "work_mem", "listen_addresses");
        Assert.Equal("elsewhere", settings["cluster_name"].Value);
        Assert.Equal("9216", settings["work_mem"].Value);
        Assert.Equal("", settings["listen_addresses"].Value);
    }

    [Fact]
    public async Task Does_not_make_a_cluster_where_something_is()
    {
        using var directory = new TestDirectory();
        await File.WriteAllTextAsync(directory.Sub("precious"), "");

        await Assert.ThrowsAsync<ServerException>(() => ScratchClusters.CreateAsync(15, directory.Path));

        Assert.True(File.Exists(directory.Sub("precious")));
    }

    static PostgresServerOptions Options(ScratchCluster cluster, string socketDirectory, string log) => new()
    {
        BinDirectory = cluster.BinDirectory,
        DataDirectory = cluster.DataDirectory,
        SocketDirectory = socketDirectory,
        LogFile = log,
        StopOnDispose = ServerStopMode.Immediate,
    };
}
