using Npgsql;
using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;
using Pitr.Postgres.Wal;

namespace Pitr.Postgres.Tests.Wal;

public class WalTargetScannerServerTests
{
    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(15)]
    [PostgresVersion(18)]
    public async Task Finds_where_restore_points_and_transactions_lie(int version)
    {
        using var directory = new TestDirectory();
        await using var cluster = await ScratchClusters.CreateAsync(
            version, directory.Sub("c"), WalSegmentSize.From(1 << 20), settings: [("max_prepared_transactions", "5"), ("wal_keep_size", "1GB"), ("wal_level", "replica")]);
        await using var session = await PostgresSession.OpenAsync(cluster.ConnectionString());
        await session.ExecuteAsync("CREATE TABLE t (id int)");
        await session.SwitchWalAsync();

        var before = await LsnAsync(session, "SELECT pg_current_wal_insert_lsn()");
        var committed = await TransactionAsync(session, "COMMIT");
        var aborted = await TransactionAsync(session, "ROLLBACK");
        // The function gives the end of its record.
        var pointEnd = await LsnAsync(session, "SELECT pg_create_restore_point('before the migration')");
        await session.ExecuteAsync("SELECT pg_create_restore_point('before')");
        var (first, header) = await ReadAsync(cluster.DataDirectory, await session.SwitchWalAsync());

        var commit = WalTargetScanner.FindTransactionEnd(first, header, committed, out var prepared);
        Assert.False(prepared);
        Assert.True(commit > before && commit < pointEnd);
        Assert.True(WalTargetScanner.FindTransactionEnd(first, header, aborted, out _) > commit);
        Assert.Null(WalTargetScanner.FindTransactionEnd(first, header, committed + 1000, out _));
        var point = WalTargetScanner.FindRestorePoint(first, header, "before the migration");
        Assert.True(point > commit && point < pointEnd);
        Assert.True(WalTargetScanner.FindRestorePoint(first, header, "before") > point);
        Assert.Null(WalTargetScanner.FindRestorePoint(first, header, "before the"));

        await session.ExecuteAsync("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'");
        var (second, secondHeader) = await ReadAsync(cluster.DataDirectory, await session.SwitchWalAsync());
        Assert.Null(WalTargetScanner.FindTransactionEnd(second, secondHeader, 1, out prepared));
        Assert.True(prepared);
    }

    static async Task<uint> TransactionAsync(PostgresSession session, string end)
    {
        await using var transaction = await session.Connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("INSERT INTO t VALUES (1); SELECT pg_current_xact_id()::xid", session.Connection);
        var id = (uint)(await command.ExecuteScalarAsync())!;
        await (end == "COMMIT" ? transaction.CommitAsync() : transaction.RollbackAsync());
        return id;
    }

    static async Task<Lsn> LsnAsync(PostgresSession session, string sql)
    {
        await using var command = new NpgsqlCommand($"SELECT ({sql})::text", session.Connection);
        return Lsn.Parse((string)(await command.ExecuteScalarAsync())!);
    }

    static async Task<(byte[] Content, WalSegmentHeader Header)> ReadAsync(string dataDirectory, WalSegmentName segment)
    {
        var content = await File.ReadAllBytesAsync(Path.Combine(dataDirectory, "pg_wal", segment.ToString()));
        return (content, WalSegmentHeader.Parse(content));
    }
}
