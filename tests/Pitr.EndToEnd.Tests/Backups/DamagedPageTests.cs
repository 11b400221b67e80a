using System.Text.Json;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>Pages that the disk below a running server has spoilt, with page checksums on.</summary>
public sealed class DamagedPageTests
{
    const int PageSize = 8192;
    const int Block = 5;

    [Theory]
    [InlineData("direct")]
    [InlineData("stream")]
    public async Task A_damaged_page_is_found_and_named_wherever_its_backup_is_used(string method)
    {
        // What vacuum writes anew from memory is whole again.
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("autovacuum", "off")]);
        await cluster.ExecuteAsync("CREATE TABLE t AS SELECT i, repeat('x', 500) v FROM generate_series(1, 1000) i; CREATE TABLE other AS TABLE t");
        await cluster.ExecuteAsync("CHECKPOINT");
        var sound = (await cluster.Host.RunAsync("--output", "json", "backup", PitrHost.Service, "--method", method)).Must().Json;
        var path = await cluster.ScalarAsync<string>("SELECT pg_relation_filepath('t')");
        Spoil(cluster, path, Block);
        Spoil(cluster, await cluster.ScalarAsync<string>("SELECT pg_relation_filepath('other')"), 0);

        var run = (await cluster.Host.RunAsync("--output", "json", "backup", PitrHost.Service, "--method", method)).Must(9);
        RequireNamed(run.Json, path, 2);
        Assert.Equal(method, run.Json.GetProperty("method").GetString());
        (await cluster.Host.RunAsync("backup", PitrHost.Service, "--method", method)).Must(9).MustSay($"DAMAGED: {path}, block {Block}");
        var backups = (await cluster.Host.RunAsync("--output", "json", "info")).Must().Json.GetProperty("services")[0].GetProperty("backups");
        Assert.Equal([0, 2, 2], backups.EnumerateArray().Select(b => b.GetProperty("damaged-pages").GetInt32()));
        RequireNamed(backups[1], path, 2);
        var info = (await cluster.Host.RunAsync("info")).Must().Output;
        Assert.Contains($"{path} block {Block}", info, StringComparison.Ordinal);
        Assert.DoesNotContain($"{sound.GetProperty("id")} holds", info, StringComparison.Ordinal);

        // What follows knows nothing of the method.
        if (method == "direct")
        {
            await RestoreAsync(cluster, sound.GetProperty("id").GetString()!, path);
            await DrillAsync(cluster, path);
        }
    }

    static async Task RestoreAsync(ProtectedCluster cluster, string sound, string path)
    {
        string[] restore = ["restore", PitrHost.Service, "--to", cluster.Directory["to"]];
        Assert.Contains($"2 damaged page(s): {path} block {Block}", (await cluster.Host.RunAsync([.. restore, "--dry-run"])).Must().Output, StringComparison.Ordinal);
        RequireNamed((await cluster.Host.RunAsync(["--output", "json", .. restore, "--dry-run"])).Must().Json, path, 2);
        (await cluster.Host.RunAsync(restore)).Must().MustSay("DAMAGED", $"{path} block {Block}", "HINT:");
        await using (var restored = await cluster.RestoreAsync("damaged"))
        {
            RequireNamed(restored.Result, path, 2);
            await using var connection = await restored.OpenAsync();
            await using var reading = new NpgsqlCommand("SELECT count(*) FROM t", connection);
            Assert.Equal("XX001", (await Assert.ThrowsAsync<PostgresException>(() => reading.ExecuteScalarAsync())).SqlState);
        }

        await using (var restored = await cluster.RestoreAsync("sound", "--backup", sound))
        {
            RequireNamed(restored.Result, path, 0);
            Assert.Equal(1000, await restored.ScalarAsync<long>("SELECT count(*) FROM t"));
        }
    }

    static async Task DrillAsync(ProtectedCluster cluster, string path)
    {
        var html = cluster.Directory["drill.html"];
        var run = (await cluster.Host.RunAsync("drill", PitrHost.Service, "--report", html)).Must(9);
        Assert.Contains($"2 damaged page(s): {path} block {Block}", run.Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Contains(path, await File.ReadAllTextAsync(html), StringComparison.Ordinal);
        var stored = Assert.Single(Directory.EnumerateFiles(cluster.Host.PathOf($"services/{PitrHost.Service}/drills")));
        RequireNamed(JsonDocument.Parse(await File.ReadAllBytesAsync(stored)).RootElement, path, 2);
    }

    // In the middle of a row: the page's header says nothing of it.
    static void Spoil(ProtectedCluster cluster, string path, int block)
    {
        using var file = new FileStream(Path.Combine(cluster.Cluster.DataDirectory, path), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = (block * PageSize) + 4000;
        file.WriteByte((byte)'y');
    }

    static void RequireNamed(JsonElement json, string path, int pages)
    {
        Assert.Equal(pages, json.GetProperty("damaged-pages").GetInt32());
        Assert.Equal(pages, json.GetProperty("damage").GetArrayLength());
        Assert.Equal(pages > 0, json.GetProperty("damage").EnumerateArray().Any(page => page.GetProperty("path").GetString() == path && page.GetProperty("block").GetInt64() == Block));
    }
}
