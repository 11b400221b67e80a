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
        await CheckExtractAsync(cluster, found[1], text.Output);
        Assert.Equal(["--database", "postgres", "--table", "public.emptied", .. Arguments(found[2])], Words(Assert.Single(found[2].GetProperty("extract").EnumerateArray())));
        Assert.Equal(["--database", "shop", .. Arguments(found[3])], Words(Assert.Single(found[3].GetProperty("extract").EnumerateArray())));

        await CheckAsync(cluster, "drop", found[1], $"{Rows} sales.orders t", orders, 200, after[0]);
        await CheckAsync(cluster, "truncate", found[2], $"{Rows} emptied t", emptied, 400, after[1]);
        await CheckAsync(cluster, "database", found[3], "SELECT datname || ' ' || datconnlimit FROM pg_database WHERE datname = 'shop'", "shop -1", 600, after[2]);
    }

    [Fact]
    public async Task What_the_WAL_does_not_tell_the_live_server_is_asked_and_what_nobody_knows_is_unknown()
    {
        // Without whole pages in the WAL the rows of the catalog are not known.
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("full_page_writes", "off"), ("autovacuum", "off")]);
        foreach (var table in new[] { "emptied", "gone" })
        {
            await cluster.ExecuteAsync($"CREATE TABLE {table} (id int); INSERT INTO {table} SELECT generate_series(1, 100)");
        }

        await cluster.ArchiveEverythingAsync();
        await cluster.ExecuteAsync("CHECKPOINT");
        await cluster.ArchiveEverythingAsync();
        var from = await cluster.ScalarAsync<string>("SELECT pg_current_wal_lsn()::text");
        await cluster.ExecuteAsync("TRUNCATE emptied");
        await cluster.ExecuteAsync("DROP TABLE gone");
        await cluster.ArchiveEverythingAsync();

        var alone = (await cluster.Host.RunAsync("--output", "json", "wal", "search", "--from", from, "--no-server")).Must().Json.GetProperty("findings");
        Assert.All(alone.EnumerateArray(), f => Assert.Equal(JsonValueKind.Null, f.GetProperty("footprints")[0].GetProperty("name").ValueKind));

        var found = (await cluster.Host.RunAsync("--output", "json", "wal", "search", "--from", from)).Must().Json.GetProperty("findings").EnumerateArray().ToArray();
        Assert.Equal(2, found.Length);
        Assert.Equal("public.emptied", Tables(found[0]));
        Assert.Equal("drop", found[1].GetProperty("kinds")[0].GetString());
        Assert.Equal(JsonValueKind.Null, found[1].GetProperty("footprints")[0].GetProperty("name").ValueKind);
        var text = (await cluster.Host.RunAsync("wal", "search", "--from", from, "--relation", "gone")).Must().Output;
        Assert.Contains("unknown, OID", text, StringComparison.Ordinal);
        Assert.DoesNotContain("emptied", text, StringComparison.Ordinal);
    }

    static async Task CheckAsync(ProtectedCluster cluster, string directory, JsonElement finding, string question, string expected, long least, long most)
    {
        await using var restored = await cluster.RestoreAsync(directory, Arguments(finding));
        Assert.Equal(expected, await restored.ScalarAsync<string>(question));
        // What others committed before it is there as well, and nothing of what came later.
        Assert.InRange(await restored.ScalarAsync<long>(Commits), least, most);
    }

    // As it is printed, but for the name of the file.
    static async Task CheckExtractAsync(ProtectedCluster cluster, JsonElement finding, string text)
    {
        var words = Words(Assert.Single(finding.GetProperty("extract").EnumerateArray()));
        Assert.Contains($"  pitr extract main {string.Join(' ', words)} --to FILE\n", text, StringComparison.Ordinal);
        var dump = cluster.Directory["orders.sql"];
        Assert.Contains("20500 rows", (await cluster.Host.RunAsync(["extract", "main", .. words, "--to", dump, "--format", "plain"])).Must().Output, StringComparison.Ordinal);
        var sql = await File.ReadAllTextAsync(dump);
        Assert.Contains("CREATE TABLE sales.orders", sql, StringComparison.Ordinal);
        // The sequence of its column comes with it.
        Assert.Contains("CREATE SEQUENCE sales.orders_id_seq", sql, StringComparison.Ordinal);
    }

    static string[] Arguments(JsonElement finding) => Words(finding.GetProperty("restore"));

    static string[] Words(JsonElement words) => [.. words.EnumerateArray().Select(a => a.GetString()!)];

    static string Tables(JsonElement finding) => string.Join(
        ',', finding.GetProperty("footprints").EnumerateArray().Where(f => f.GetProperty("relation-kind").GetString() == "r")
            .Select(f => $"{f.GetProperty("schema").GetString()}.{f.GetProperty("name").GetString()}"));

    static Task<long> CommitsAsync(ProtectedCluster cluster) => cluster.ScalarAsync<long>(Commits);

    static Task WaitForCommitsAsync(ProtectedCluster cluster, int commits) =>
        Eventually.IsTrueAsync(async () => await CommitsAsync(cluster) >= commits, () => $"{commits} transactions are committed");
}
