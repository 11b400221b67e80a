using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests;

/// <summary>A cluster that was brought back takes the lost one's place: it archives on a new timeline, and both stay recoverable.</summary>
public sealed class TimelineTests
{
    const string Notes = "SELECT string_agg(note, ' ' ORDER BY id) FROM notes";

    [Fact]
    public async Task After_a_recovery_the_new_timeline_is_archived_and_the_old_one_stays_recoverable()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        var host = cluster.Host;
        await cluster.ExecuteAsync("CREATE TABLE notes (id serial, note text); INSERT INTO notes (note) VALUES ('before')");
        await cluster.BackupAsync();
        var early = await cluster.ScalarAsync<string>("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        await cluster.ExecuteAsync("INSERT INTO notes (note) VALUES ('wanted')");
        var moment = await cluster.ScalarAsync<string>("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        await cluster.ExecuteAsync("INSERT INTO notes (note) VALUES ('mistake')");
        await cluster.ArchiveEverythingAsync();
        await cluster.Cluster.StopAsync();

        // A copy beside it does not archive, so the archive stays as it was.
        await using (var copy = await cluster.RestoreAsync("copy", "--target-time", moment))
        {
            Assert.Equal("before wanted", await copy.ScalarAsync<string>(Notes));
        }

        Assert.False(File.Exists(host.WalPath("00000002.history")));

        await using (var successor = await RestoredCluster.StartAtAsync(
            host, cluster.Directory["successor"], cluster.Cluster.SocketDirectory, "--target-time", moment, "--archive-mode", "keep", "--port", "5432"))
        {
            await using (var connection = await successor.OpenAsync())
            {
                await using var insert = new NpgsqlCommand("INSERT INTO notes (note) VALUES ('after')", connection);
                await insert.ExecuteNonQueryAsync();
            }

            var segment = await successor.ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())");
            Assert.StartsWith("00000002", segment, StringComparison.Ordinal);
            await Eventually.IsTrueAsync(() => File.Exists(host.WalPath(segment)), () => $"{segment} is archived");
            Assert.True(File.Exists(host.WalPath("00000002.history")));

            // The next backup is on the new timeline.
            Assert.Equal(2, (await cluster.BackupAsync()).GetProperty("timeline").GetInt32());
        }

        await using (var latest = await cluster.RestoreAsync("latest"))
        {
            Assert.Equal("before wanted after", await latest.ScalarAsync<string>(Notes));
        }

        var timelines = (await host.RunAsync("--output", "json", "wal", "list")).Must().Json.GetProperty("timelines");
        Assert.Equal([1, 2], timelines.EnumerateArray().Select(t => t.GetProperty("timeline").GetInt32()));

        var second = timelines[1];
        Assert.Equal(1, second.GetProperty("parent").GetInt32());
        Assert.All(timelines.EnumerateArray(), t => Assert.Empty(t.GetProperty("gaps").EnumerateArray()));
        (await host.RunAsync("wal", "verify")).Must();

        // Down the old branch there is what was left behind.
        await using (var abandoned = await cluster.RestoreAsync("abandoned", "--target-timeline", "1"))
        {
            Assert.Equal("before wanted mistake", await abandoned.ScalarAsync<string>(Notes));
        }

        // Along the second timeline to a moment before it begins: PostgreSQL calls it the parent of the third all the same.
        await using (var earlier = await RestoredCluster.StartAtAsync(
            host, cluster.Directory["earlier"], cluster.Cluster.SocketDirectory, "--target-time", early, "--archive-mode", "keep", "--port", "5432"))
        {
            Assert.Equal("before", await earlier.ScalarAsync<string>(Notes));
            await using (var connection = await earlier.OpenAsync())
            {
                await using var insert = new NpgsqlCommand("INSERT INTO notes (note) VALUES ('third')", connection);
                await insert.ExecuteNonQueryAsync();
            }

            var segment = await earlier.ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())");
            await Eventually.IsTrueAsync(() => File.Exists(host.WalPath(segment)), () => $"{segment} is archived");
            var written = await File.ReadAllLinesAsync(Path.Combine(earlier.Directory, "pg_wal", "00000003.history"));
            Assert.StartsWith("2\t", written.Last(line => line.Length > 0), StringComparison.Ordinal);
        }

        await using (var third = await cluster.RestoreAsync("third"))
        {
            Assert.Equal("before third", await third.ScalarAsync<string>(Notes));
        }

        (await host.RunAsync("wal", "verify")).Must();    }
}
