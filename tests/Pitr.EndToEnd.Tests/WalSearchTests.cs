using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Ledger;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests;

/// <summary>
/// Somebody drops, truncates, drops a database, while others write. `pitr wal search` names it, and a restore with exactly the
/// arguments it prints brings everything back, and everything that was committed before.
/// </summary>
public sealed class WalSearchTests(ITestOutputHelper output)
{
    const string Rows = "SELECT count(*) || ' ' || md5(string_agg(t::text, ',' ORDER BY id)) FROM";

    const string Commits = "SELECT sum(transactions)::bigint FROM totals";

    [Fact]
    public async Task The_way_back_that_is_printed_brings_everything_back()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        foreach (var table in new[] { "sales.orders", "emptied" })
        {
            await cluster.ExecuteAsync(
                $"CREATE SCHEMA IF NOT EXISTS sales; CREATE TABLE {table} (id serial PRIMARY KEY, note text); INSERT INTO {table} (note) SELECT md5(g::text) FROM generate_series(1, 20000) g");
        }

        await cluster.ExecuteAsync("CREATE DATABASE shop");
        await cluster.ExecuteAsync(LedgerWriters.Schema);
        await cluster.BackupAsync();
        string orders, emptied;
        var after = new List<long>();
        await using (var writers = new LedgerWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", TestEnvironment.Seed))
        {
            await WaitForCommitsAsync(cluster, 200);
            await cluster.ExecuteAsync("INSERT INTO sales.orders (note) SELECT 'after the backup' FROM generate_series(1, 500)");
            orders = await cluster.ScalarAsync<string>($"{Rows} sales.orders t");
            emptied = await cluster.ScalarAsync<string>($"{Rows} emptied t");
            await cluster.ExecuteAsync("SELECT pg_create_restore_point('before the accident')");
            await cluster.ExecuteAsync("DROP TABLE sales.orders");
            after.Add(await CommitsAsync(cluster));
            await WaitForCommitsAsync(cluster, 400);
            await cluster.ExecuteAsync("TRUNCATE emptied");
            after.Add(await CommitsAsync(cluster));
            await WaitForCommitsAsync(cluster, 600);
            await cluster.ExecuteAsync("DROP DATABASE shop");
            after.Add(await CommitsAsync(cluster));
            await WaitForCommitsAsync(cluster, 800);
        }

        await cluster.ArchiveEverythingAsync();
        await cluster.Cluster.Server.StopAsync(ServerStopMode.Immediate);

        var run = (await cluster.Host.RunAsync("--output", "json", "wal", "search", "main", "--from", "before the accident")).Must();
        output.WriteLine(run.Output);
        var found = run.Json.GetProperty("findings").EnumerateArray().ToArray();
        Assert.True(run.Json.GetProperty("complete").GetBoolean());
        Assert.Equal(["restore-point", "drop", "truncate", "database-drop"], found.Select(f => f.GetProperty("kinds")[0].GetString()));
        Assert.Equal("before the accident", found[0].GetProperty("restore-point").GetString());
        Assert.Equal("sales.orders", Tables(found[1]));
        Assert.Equal("public.emptied", Tables(found[2]));
        Assert.Equal("shop", found[3].GetProperty("footprints")[0].GetProperty("database").GetString());

        var text = (await cluster.Host.RunAsync("wal", "search", "main", "--relation", "orders")).Must();
        output.WriteLine(text.Output);
        Assert.Contains($"pitr restore main --to DIR {string.Join(' ', Arguments(found[1]))}", text.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("emptied", text.Output, StringComparison.Ordinal);

        await CheckAsync(cluster, "drop", found[1], $"{Rows} sales.orders t", orders, 200, after[0]);
        await CheckAsync(cluster, "truncate", found[2], $"{Rows} emptied t", emptied, 400, after[1]);
        await CheckAsync(cluster, "database", found[3], "SELECT datname || ' ' || datconnlimit FROM pg_database WHERE datname = 'shop'", "shop -1", 600, after[2]);
    }

    static async Task CheckAsync(ProtectedCluster cluster, string directory, JsonElement finding, string question, string expected, long least, long most)
    {
        await using var restored = await cluster.RestoreAsync(directory, Arguments(finding));
        Assert.Equal(expected, await restored.ScalarAsync<string>(question));
        // What others committed before it is there as well, and nothing of what came later.
        Assert.InRange(await restored.ScalarAsync<long>(Commits), least, most);
    }

    static string[] Arguments(JsonElement finding) => [.. finding.GetProperty("restore").EnumerateArray().Select(a => a.GetString()!)];

    static string Tables(JsonElement finding) => string.Join(
        ',', finding.GetProperty("footprints").EnumerateArray().Where(f => f.GetProperty("relation-kind").GetString() == "r")
            .Select(f => $"{f.GetProperty("schema").GetString()}.{f.GetProperty("name").GetString()}"));

    static Task<long> CommitsAsync(ProtectedCluster cluster) => cluster.ScalarAsync<long>(Commits);

    static Task WaitForCommitsAsync(ProtectedCluster cluster, int commits) =>
        Eventually.IsTrueAsync(async () => await CommitsAsync(cluster) >= commits, () => $"{commits} transactions are committed");
}
