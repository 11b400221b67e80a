using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>Backups of servers whose WAL summaries say what has changed: nothing else is read.</summary>
public sealed class SummaryBackupTests
{
    const int PageSize = 8192;
    const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    static Task<ProtectedCluster> StartAsync(int version) => ProtectedCluster.CreateAsync(
        WalSegmentSize.From(1 << 20), programs: PostgresVersionAttribute.Programs(version), settings: [("summarize_wal", "on"), ("autovacuum", "off")]);

    [Theory]
    [PostgresVersion(18)]
    public async Task Files_that_have_not_changed_are_not_opened_and_pages_that_have_not_are_not_read(int version)
    {
        await using var cluster = await StartAsync(version);
        await cluster.ExecuteAsync("CREATE TABLE still AS SELECT i, repeat('x', 500) v FROM generate_series(1, 1000) i; CREATE TABLE moving AS TABLE still");
        var still = await PathAsync(cluster, "still");
        var moving = await PathAsync(cluster, "moving");
        await cluster.BackupAsync();
        await cluster.ExecuteAsync("UPDATE moving SET i = -i WHERE ctid = '(3,1)'; CHECKPOINT");
        File.SetUnixFileMode(still, UnixFileMode.None);
        await using (var file = new FileStream(moving, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.Position = (40 * PageSize) + 4000;
            file.WriteByte((byte)'y');
        }

        var backup = await cluster.BackupAsync();

        Assert.Equal("summaries", backup.GetProperty("changes").GetString());
        // What was not read cannot be found damaged; it is stored as it was.
        Assert.Equal(0, backup.GetProperty("damaged-pages").GetInt32());
        File.SetUnixFileMode(still, Readable);
        (await cluster.Host.RunAsync("backup", PitrHost.Service, "--full")).Must(9);
        await using var restored = await cluster.RestoreAsync("to", "--backup", backup.GetProperty("id").GetString()!, "--target", "immediate");
        File.SetUnixFileMode(Path.Combine(restored.Directory, Path.GetRelativePath(cluster.Cluster.DataDirectory, still)), Readable);
        Assert.Equal(1000, await restored.ScalarAsync<long>("SELECT count(DISTINCT i) FROM still"));
        Assert.Equal(1000, await restored.ScalarAsync<long>("SELECT count(DISTINCT abs(i)) FROM moving"));
        Assert.Equal(1, await restored.ScalarAsync<long>("SELECT count(*) FROM moving WHERE i < 0"));
    }

    [Theory]
    [PostgresVersion(18)]
    public async Task What_was_cut_off_and_grew_again_without_being_logged_does_not_come_back(int version)
    {
        await using var cluster = await StartAsync(version);
        await cluster.ExecuteAsync("CREATE TABLE t (i int, v text); INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 1800) i");
        await cluster.BackupAsync();
        var size = await cluster.ScalarAsync<long>("SELECT pg_relation_size('t')");
        await cluster.ExecuteAsync("DELETE FROM t WHERE i > 75");
        await cluster.ExecuteAsync("VACUUM t");
        Assert.True(await cluster.ScalarAsync<long>("SELECT pg_relation_size('t')") < size / 10);
        // COPY grows a table by more and more pages ahead of its rows, and does not log those that stay empty.
        await cluster.ExecuteAsync($"COPY t FROM PROGRAM 'seq 100001 101100 | sed \"s/$/\\t{new string('y', 500)}/\"'; CHECKPOINT");
        var pages = await File.ReadAllBytesAsync(await PathAsync(cluster, "t"));
        Assert.True(pages.Length >= size, $"{pages.Length} bytes, {size} before");
        Assert.Equal(-1, pages.AsSpan((int)size - (10 * PageSize), 10 * PageSize).IndexOfAnyExcept((byte)0));

        var backup = await cluster.BackupAsync();

        Assert.Equal("summaries", backup.GetProperty("changes").GetString());
        await using var restored = await cluster.RestoreAsync("to", "--target", "immediate");
        Assert.Equal("75/1100", await restored.ScalarAsync<string>("SELECT count(*) FILTER (WHERE i <= 1800) || '/' || count(*) FILTER (WHERE i > 1800) FROM t"));
    }

    [Theory]
    [PostgresVersion(18)]
    public async Task A_range_that_summaries_do_not_cover_is_read_and_the_log_says_why(int version)
    {
        await using var cluster = await StartAsync(version);
        await cluster.ExecuteAsync("CREATE TABLE t AS SELECT i, repeat('x', 500) v FROM generate_series(1, 1000) i");
        await cluster.BackupAsync();
        await cluster.ExecuteAsync("UPDATE t SET i = -i WHERE i = 7; CHECKPOINT; UPDATE t SET i = -i WHERE i = 8; CHECKPOINT; UPDATE t SET i = -i WHERE i = 9; CHECKPOINT");
        var summaries = Path.Combine(cluster.PgWal, "summaries");
        await Eventually.IsTrueAsync(() => Directory.GetFiles(summaries).Length > 4, () => "checkpoints end summaries");
        File.Delete(Directory.GetFiles(summaries).Order(StringComparer.Ordinal).SkipLast(1).Last());

        var run = (await cluster.Host.RunAsync("--verbose", "--output", "json", "backup", PitrHost.Service)).Must();

        Assert.Equal("lsn", run.Json.GetProperty("changes").GetString());
        Assert.Contains("every page is read, because WAL summaries of timeline 1 are missing from ", run.Errors, StringComparison.Ordinal);
        Assert.True(run.Json.GetProperty("older-packs").GetArrayLength() > 0);

        await cluster.ExecuteAsync("ALTER SYSTEM SET summarize_wal = off");
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        await Eventually.IsTrueAsync(async () => await cluster.ScalarAsync<string>("SHOW summarize_wal") == "off", () => "summarize_wal is off");
        var off = (await cluster.Host.RunAsync("--verbose", "backup", PitrHost.Service)).Must();
        Assert.Contains("every page is read, because summarize_wal is off", off.Errors, StringComparison.Ordinal);
    }

    static async Task<string> PathAsync(ProtectedCluster cluster, string relation) =>
        Path.Combine(cluster.Cluster.DataDirectory, await cluster.ScalarAsync<string>($"SELECT pg_relation_filepath('{relation}')"));
}
