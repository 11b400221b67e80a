using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Cluster;

public class ControlFileTests
{
    [Theory]
    [InlineData(14, 1300, 202107181, 7710550802547263670, "0/16EFE20", 16, 0)]
    [InlineData(15, 1300, 202209061, 7710554547153649724, "0/8529B0", 1, 1)]
    [InlineData(16, 1300, 202307071, 7710550806149446942, "0/14DDE08", 16, 0)]
    [InlineData(17, 1700, 202406281, 7710550809292374412, "0/14D89D0", 16, 0)]
    [InlineData(18, 1800, 202506291, 7710550811733800158, "0/174B250", 16, 1)]
    public void Reads_the_control_file_of_each_version(
        int version, int control, int catalog, ulong systemIdentifier, string checkpoint, int segmentMiB, uint checksumVersion)
    {
        var file = ControlFile.Parse(Golden.Read($"pg_control-{version}"));

        Assert.Equal(version, file.MajorVersion);
        Assert.Equal(control, file.ControlVersion);
        Assert.Equal(catalog, file.CatalogVersion);
        Assert.Equal(systemIdentifier, file.SystemIdentifier);
        Assert.Equal(ClusterState.ShutDown, file.State);
        Assert.Equal(Lsn.Parse(checkpoint), file.CheckpointLsn);
        Assert.Equal(Lsn.Parse(checkpoint), file.RedoLsn);
        Assert.Equal(Lsn.Invalid, file.MinRecoveryPoint);
        Assert.Equal(new Timeline(1), file.Timeline);
        Assert.Equal(WalSegmentSize.From(segmentMiB << 20), file.WalSegmentSize);
        Assert.Equal(8192, file.PageSize);
        Assert.Equal(131072, file.PagesPerFile);
        Assert.Equal(checksumVersion, file.ChecksumVersion);
        Assert.Equal((100, 8, 10, 0, 64), (file.MaxConnections, file.MaxWorkerProcesses, file.MaxWalSenders, file.MaxPreparedTransactions, file.MaxLocksPerTransaction));
        Assert.False(file.TrackCommitTimestamp);
        Assert.False(file.BackupEndRequired);
        Assert.Equal(file.Modified, file.CheckpointTime);
        Assert.Equal(2026, file.Modified.Year);
    }

    [Theory]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    public void Refuses_every_single_bit_flip(int version)
    {
        var content = Golden.Read($"pg_control-{version}");
        var meaningful = version == 18 ? 296 : 292;
        for (var bit = 0; bit < meaningful * 8; bit++)
        {
            var damaged = (byte[])content.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<ServerException>(() => ControlFile.Parse(damaged));
        }
    }

    [Fact]
    public void Refuses_a_file_cut_short_and_says_so()
    {
        var error = Assert.Throws<ServerException>(() => ControlFile.Parse(Golden.Read("pg_control-15").AsSpan(0, 200)));
        Assert.Contains("200 bytes, expected 8192", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_the_file_that_is_missing_or_damaged()
    {
        using var directory = new TestDirectory();
        var missing = Assert.Throws<ServerException>(() => ControlFile.ReadFrom(directory.Path));
        Assert.Contains(directory.Path, missing.Message, StringComparison.Ordinal);
        Assert.NotNull(missing.Hint);

        var content = Golden.Read("pg_control-17");
        content[100] ^= 1;
        directory.NewSub("global");
        File.WriteAllBytes(directory.Sub("global/pg_control"), content);
        var damaged = Assert.Throws<ServerException>(() => ControlFile.ReadFrom(directory.Path));
        Assert.Contains(directory.Sub("global/pg_control"), damaged.Message, StringComparison.Ordinal);
        Assert.Contains("checksum", damaged.Message, StringComparison.Ordinal);
    }

    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(15)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public async Task Says_the_same_as_the_server(int version)
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(
            version,
            directory.Sub("c"),
            WalSegmentSize.From(4 << 20),
            settings: [("max_connections", "37"), ("max_worker_processes", "11"), ("max_wal_senders", "7"), ("max_prepared_transactions", "5"), ("max_locks_per_transaction", "99"), ("track_commit_timestamp", "on")]);
        await using var session = await PostgresSession.OpenAsync(cluster.ConnectionString());
        await session.ExecuteAsync("CHECKPOINT");

        var file = ControlFile.ReadFrom(cluster.DataDirectory);
        var facts = await session.ReadFactsAsync();

        Assert.Equal(version, file.MajorVersion);
        Assert.Equal(version, facts.MajorVersion);
        Assert.Equal(version, WalSegmentHeaderOf(cluster).MajorVersion);
        Assert.Equal(facts.SystemIdentifier, file.SystemIdentifier);
        Assert.Equal(facts.Timeline, file.Timeline);
        Assert.Equal(facts.WalSegmentSize, file.WalSegmentSize);
        Assert.Equal(WalSegmentSize.From(4 << 20), file.WalSegmentSize);
        Assert.Equal(facts.PageSize, file.PageSize);
        Assert.Equal(facts.DataChecksums, file.ChecksumVersion != 0);
        Assert.Equal(ClusterState.InProduction, file.State);
        Assert.Equal((37, 11, 7, 5, 99), (file.MaxConnections, file.MaxWorkerProcesses, file.MaxWalSenders, file.MaxPreparedTransactions, file.MaxLocksPerTransaction));
        Assert.True(file.TrackCommitTimestamp);
        await using var command = new Npgsql.NpgsqlCommand("SELECT checkpoint_lsn::text, redo_lsn::text, checkpoint_time FROM pg_control_checkpoint()", session.Connection);
        await using var row = await command.ExecuteReaderAsync();
        Assert.True(await row.ReadAsync());
        Assert.Equal(row.GetString(0), file.CheckpointLsn.ToString());
        Assert.Equal(row.GetString(1), file.RedoLsn.ToString());
        Assert.Equal(row.GetFieldValue<DateTimeOffset>(2), file.CheckpointTime);
    }

    static Postgres.Wal.WalSegmentHeader WalSegmentHeaderOf(ScratchCluster cluster)
    {
        var path = Directory.EnumerateFiles(Path.Combine(cluster.DataDirectory, "pg_wal")).Where(file => Path.GetFileName(file).Length == WalSegmentName.Length).Order(StringComparer.Ordinal).First();
        var content = File.ReadAllBytes(path);
        var header = Postgres.Wal.WalSegmentHeader.Parse(content);
        header.RequireMatches(WalSegmentName.Parse(Path.GetFileName(path)), content.Length);
        return header;
    }
}
