using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>What tests of streaming do with a protected cluster.</summary>
static class StreamingCluster
{
    /// <summary>The slot, and the name for synchronous_standby_names.</summary>
    public const string Slot = "pitr_main";

    public const string ClientSide = "INSERT INTO acknowledged VALUES ($1, $2, repeat(md5($2::text), $3))";

    /// <summary>A cluster whose agent streams. The agent's log is a file.</summary>
    public static Task<ProtectedCluster> CreateAsync(WalSegmentSize? segmentSize = null, params (string Name, string Value)[] settings) =>
        CreateAsync(PostgresBinaries.Find(15), _ => Task.CompletedTask, segmentSize, settings);

    /// <summary>The same with another version, or with what else a host needs before its agent starts.</summary>
    public static async Task<ProtectedCluster> CreateAsync(
        BinDirectory programs, Func<PitrHost, Task> prepare, WalSegmentSize? segmentSize = null, params (string Name, string Value)[] settings)
    {
        var cluster = await ProtectedCluster.CreateAsync(segmentSize, withAgent: false, programs: programs, settings: settings);
        try
        {
            await prepare(cluster.Host);
            cluster.Host.Environment["PITR_LOG__FILE"] = cluster.AgentLogFile();
            await File.AppendAllTextAsync(cluster.Host.ConfigurationFile, "    wal: { stream: true }\n");
            await cluster.ExecuteAsync("CREATE TABLE acknowledged (client int, number int, filler text)");
            cluster.Agent = await cluster.Host.StartAgentAsync();
            await cluster.IsStreamingAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where the agent logs.</summary>
    public static string AgentLogFile(this ProtectedCluster cluster) => cluster.Directory["agent.log"];

    /// <summary>Waits until the agent has logged something.</summary>
    public static Task AgentSaysAsync(this ProtectedCluster cluster, string text) => Eventually.IsTrueAsync(
        () => cluster.AgentLog().Contains(text, StringComparison.Ordinal), () => $"the agent says \"{text}\"; it says:\n{cluster.AgentLog()}");

    /// <summary>What the agent has logged.</summary>
    public static string AgentLog(this ProtectedCluster cluster)
    {
        if (!File.Exists(cluster.AgentLogFile()))
        {
            return "";
        }

        using var reader = new StreamReader(new FileStream(cluster.AgentLogFile(), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    /// <summary>Waits until the server sends WAL to the agent.</summary>
    public static Task IsStreamingAsync(this ProtectedCluster cluster) => Eventually.IsTrueAsync(
        async () => await cluster.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{Slot}' AND state = 'streaming'") == 1,
        () => $"the agent streams; {cluster.Log()}\n{cluster.AgentLog()}");

    /// <summary>Lets commits wait for the stream.</summary>
    public static async Task MakeSynchronousAsync(this ProtectedCluster cluster)
    {
        await cluster.ExecuteAsync($"ALTER SYSTEM SET synchronous_standby_names = '{Slot}'");
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        await Eventually.IsTrueAsync(
            async () => await cluster.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{Slot}' AND sync_state = 'sync'") == 1,
            () => $"the stream is synchronous; {cluster.Log()}");
    }

    /// <summary>Waits until everything written so far is durable in the repositories.</summary>
    public static async Task EverythingIsStreamedAsync(this ProtectedCluster cluster)
    {
        var end = await cluster.ScalarAsync<string>("SELECT pg_current_wal_flush_lsn()::text");
        await Eventually.IsTrueAsync(
            async () => await cluster.ScalarAsync<bool>($"SELECT coalesce(bool_or(flush_lsn >= '{end}'), false) FROM pg_stat_replication WHERE application_name = '{Slot}'"),
            () => $"everything until {end} is streamed; {cluster.Log()}\n{cluster.AgentLog()}");
    }

    /// <summary>kill -9 of the server and all its processes, as a power cut would; its data directory is thrown away.</summary>
    public static async Task DestroyAsync(this ProtectedCluster cluster)
    {
        var server = cluster.Cluster.Server;
        var children = Processes.All().Where(id => Processes.Read(id, "stat") is { } stat && Parent(stat) == server.ProcessId).ToArray();
        Processes.Kill(server.ProcessId);
        foreach (var child in children)
        {
            Processes.Kill(child);
        }

        await Eventually.IsTrueAsync(() => server.HasExited && children.All(id => Processes.Read(id, "stat") is not { } stat || stat.Contains(") Z ", StringComparison.Ordinal)), () => "the server is gone");
        Directory.Delete(cluster.Cluster.DataDirectory, recursive: true);
    }

    /// <summary>Another machine, with a copy of the repository and the identity only.</summary>
    public static PitrHost OtherMachine(this ProtectedCluster cluster, string name)
    {
        var repository = cluster.Directory[name + "-repository"];
        TestDirectory.Copy(cluster.Host.Repository, repository);
        var host = new PitrHost(cluster.Directory.New(name), repository);
        File.Copy(Path.Combine(cluster.Host.Directory, "recipient.pem"), Path.Combine(host.Directory, "recipient.pem"));
        File.Copy(cluster.Host.IdentityFile, host.IdentityFile);
        host.WriteConfiguration();
        return host;
    }

    /// <summary>Keys of the pieces in the repository, oldest first.</summary>
    public static IReadOnlyList<string> Pieces(this ProtectedCluster cluster) =>
        [.. Directory.EnumerateFiles(cluster.Host.PathOf($"services/{PitrHost.Service}/wal"), "*-*", SearchOption.AllDirectories)
            .Where(path => Path.GetDirectoryName(path)!.EndsWith(".parts", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];

    /// <summary>"client number" of every transaction of a table.</summary>
    public static async Task<HashSet<string>> ReadAcknowledgedAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT client || ' ' || number FROM acknowledged", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new HashSet<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    static int Parent(string stat) =>
        int.Parse(stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
}
