using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Pages;

/// <summary>
/// Without page checksums VACUUM marks pages all-visible and leaves their LSN. If a backup took the page from before and the visibility map from after, an UPDATE in the
/// restored cluster would leave the map as it is, and index-only scans would go on finding rows that are gone.
/// </summary>
public sealed class AllVisiblePagesTests
{
    [Fact]
    public async Task Pages_and_visibility_map_of_a_backup_agree_without_page_checksums()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), dataChecksums: false, settings: [("autovacuum", "off")]);
        foreach (var table in new[] { "direct", "stream", "before" })
        {
            await cluster.ExecuteAsync($"CREATE TABLE {table} AS SELECT i, repeat('x', 200) v FROM generate_series(1, 2000) i; CREATE INDEX ON {table} (i)");
            await cluster.ExecuteAsync($"SELECT count(*) FROM {table}");
        }

        await cluster.ExecuteAsync("VACUUM before");
        await cluster.BackupAsync();
        var reused = await RequireAsync(cluster, "direct");
        await RequireAsync(cluster, "stream");
        // What was marked before the base is not copied again by that.
        Assert.True(reused >= await cluster.ScalarAsync<long>("SELECT pg_relation_size('before')"), $"{reused} bytes");
    }

    static async Task<long> RequireAsync(ProtectedCluster cluster, string method)
    {
        await cluster.ExecuteAsync($"VACUUM {method}");
        var backup = (await cluster.Host.RunAsync("--output", "json", "backup", PitrHost.Service, "--method", method)).Must().Json;
        Assert.Equal("lsn", backup.GetProperty("changes").GetString());
        await using var restored = await cluster.RestoreAsync($"to-{method}", "--target", "immediate");
        await using var connection = await restored.OpenAsync();
        await using var work = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new($"UPDATE {method} SET v = 'y' WHERE i <= 500"),
                new($"DELETE FROM {method} WHERE i BETWEEN 600 AND 700"),
                new("SET enable_seqscan = off"),
                new("SET enable_bitmapscan = off"),
            },
        };
        await work.ExecuteNonQueryAsync();
        await using var reading = new NpgsqlCommand($"SELECT count(i) FROM {method} WHERE i BETWEEN 1 AND 800", connection);
        Assert.Equal(699L, await reading.ExecuteScalarAsync());
        return backup.GetProperty("older-packs").EnumerateArray().Sum(pack => pack.GetProperty("used-bytes").GetInt64());
    }
}
