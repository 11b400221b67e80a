using System.Text.Json;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests;

/// <summary>
/// An archive that lies on an S3 or SFTP server and has two timelines: recovery fetches ahead from there over the switch, with an agent and without,
/// and `pitr wal search` finds what happened before it and after it.
/// </summary>
public sealed class RemoteRecoveryTests : IDisposable
{
    const string Content = "SELECT count(*) || ' ' || sum(hashtext(b::text)) FROM bulk b";

    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("ceph-rgw")]
    [InlineData("sshd")]
    public async Task Segments_are_fetched_ahead_over_a_timeline_switch_and_searched_on_both_sides_of_it(string kind)
    {
        await using var remote = await RemoteRepository.StartAsync(kind, _directory);
        await using var cluster = await ProtectedCluster.CreateAsync(remote, WalSegmentSize.From(1 << 20), settings: [("autovacuum", "off")]);
        var host = cluster.Host;
        await cluster.ExecuteAsync("CREATE TABLE bulk (i int, t text); CREATE TABLE lost_first (i int); CREATE TABLE lost_second (i int)");
        await cluster.BackupAsync();
        await cluster.ExecuteAsync("INSERT INTO bulk SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 30000) i");
        await cluster.ExecuteAsync("DROP TABLE lost_first");
        await cluster.ExecuteAsync("INSERT INTO bulk SELECT i, md5(i::text) FROM generate_series(30001, 60000) i");
        await ArchivedAsync(cluster.ScalarAsync<string>);
        await cluster.Cluster.StopAsync();

        string everything;
        await using (var successor = await RestoredCluster.StartAtAsync(
            host, cluster.Directory["successor"], cluster.Cluster.SocketDirectory, "--archive-mode", "keep", "--port", "5432"))
        {
            await using (var connection = await successor.OpenAsync())
            {
                await ExecuteAsync(connection, "INSERT INTO bulk SELECT i, repeat(md5(i::text), 10) FROM generate_series(60001, 90000) i");
                await ExecuteAsync(connection, "DROP TABLE lost_second");
                await ExecuteAsync(connection, "INSERT INTO bulk VALUES (0, 'the last')");
            }

            everything = await successor.ScalarAsync<string>(Content);
            await ArchivedAsync(successor.ScalarAsync<string>);
        }

        await RecoverAsync(cluster, "agent", everything);
        await cluster.Agent!.KillAsync();
        cluster.Agent.Dispose();
        cluster.Agent = null;
        await RecoverAsync(cluster, "helper", everything);

        var search = (await host.RunAsync("--output", "json", "wal", "search", "main", "--kind", "drop", "--no-server")).Must().Json;
        Assert.True(search.GetProperty("complete").GetBoolean());
        Assert.Equal(["public.lost_first", "public.lost_second"], search.GetProperty("findings").EnumerateArray().Select(Table));
        Assert.StartsWith("00000001", search.GetProperty("first-wal").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("00000002", search.GetProperty("last-wal").GetString(), StringComparison.Ordinal);
        // What is found on the other side of the switch is as good a target as any.
        string[] back = [.. search.GetProperty("findings")[1].GetProperty("restore").EnumerateArray().Select(argument => argument.GetString()!)];
        await using var before = await cluster.RestoreAsync("before", back);
        Assert.Equal(0L, await before.ScalarAsync<long>("SELECT count(*) FROM lost_second"));
        Assert.Equal(90000L, await before.ScalarAsync<long>("SELECT count(*) FROM bulk"));
        // Down the first timeline alone, the second drop never happened.
        var first = (await host.RunAsync("--output", "json", "wal", "search", "main", "--kind", "drop", "--no-server", "--target-timeline", "1")).Must().Json;
        Assert.Equal("public.lost_first", Table(Assert.Single(first.GetProperty("findings").EnumerateArray())));
    }

    static async Task RecoverAsync(ProtectedCluster cluster, string name, string everything)
    {
        var fetched = 0;
        using var watcher = new FileSystemWatcher(Path.Combine(cluster.Host.StateDirectory, "services/main")) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.FileName };
        watcher.Created += (_, made) => Interlocked.Add(ref fetched, Path.GetFileName(made.FullPath).StartsWith("0000000", StringComparison.Ordinal) ? 1 : 0);
        watcher.EnableRaisingEvents = true;
        await using var recovering = await RecoveringCluster.StartAsync(cluster.Host, cluster.Directory[name]);
        await recovering.WaitUntilRecoveryEndsAsync();
        Assert.Equal(everything, await recovering.ScalarAsync<string>(Content));
        await Eventually.IsTrueAsync(() => Volatile.Read(ref fetched) > 2, () => $"segments were fetched ahead with {name}: {fetched}\n{recovering.Log}");
        await recovering.NothingIsLeftAsync();
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    // Completes the current segment and waits until the server has been told that it is stored.
    static async Task ArchivedAsync(Func<string, Task<string>> ask)
    {
        var segment = await ask("SELECT pg_walfile_name(pg_switch_wal())");
        await Eventually.IsTrueAsync(
            async () => string.CompareOrdinal(await ask("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"), segment) >= 0, () => $"{segment} is archived");
    }

    static string Table(JsonElement finding) => string.Join(
        ',', finding.GetProperty("footprints").EnumerateArray().Where(f => f.GetProperty("relation-kind").GetString() == "r")
            .Select(f => $"{f.GetProperty("schema").GetString()}.{f.GetProperty("name").GetString()}"));
}
