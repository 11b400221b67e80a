using System.Globalization;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;

namespace Pitr.EndToEnd.Tests.Ledger;

/// <summary>
/// Knows, from the live server alone, which transactions a recovery must bring back: the order of commits in the WAL (pg_walinspect), the
/// time of each (pg_xact_commit_timestamp), and the rows of each.
/// </summary>
sealed class LedgerOracle
{
    readonly List<TransactionEnd> _ends = [];
    readonly List<ulong> _recordStarts = [];
    readonly Dictionary<string, string> _rows = [];

    /// <summary>Commits and aborts in the order of the WAL.</summary>
    public IReadOnlyList<TransactionEnd> Ends => _ends;

    public static async Task<LedgerOracle> ReadAsync(ProtectedCluster cluster, string fromLsn)
    {
        var oracle = new LedgerOracle();
        await using var session = await cluster.OpenAsync();
        await session.ExecuteAsync("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'");
        await session.ExecuteAsync($"CREATE TEMPORARY TABLE wal AS SELECT start_lsn, xid, resource_manager, record_type, description FROM pg_get_wal_records_info('{fromLsn}', pg_current_wal_flush_lsn())");
        await using (var records = new NpgsqlCommand("SELECT (start_lsn - '0/0')::bigint FROM wal ORDER BY 1", session.Connection))
        await using (var reader = await records.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                oracle._recordStarts.Add((ulong)reader.GetInt64(0));
            }
        }

        await oracle.ReadEndsAsync(session.Connection);
        foreach (var row in await LedgerState.ReadRowsAsync(session.Connection))
        {
            oracle._rows[row[..row.IndexOf(':', StringComparison.Ordinal)]] = row;
        }

        return oracle;
    }

    async Task ReadEndsAsync(NpgsqlConnection connection)
    {
        await using var ends = new NpgsqlCommand(
            """
            SELECT (start_lsn - '0/0')::bigint, xid::text, record_type = 'COMMIT', substring(description from '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.?\d*')::timestamp AT TIME ZONE 'UTC',
                   CASE WHEN record_type = 'COMMIT' THEN pg_xact_commit_timestamp(xid) END
            FROM wal WHERE resource_manager = 'Transaction' AND record_type IN ('COMMIT', 'ABORT') ORDER BY 1
            """,
            connection);
        await using var reader = await ends.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var time = reader.GetFieldValue<DateTimeOffset>(3);
            if (!reader.IsDBNull(4))
            {
                Assert.Equal(reader.GetFieldValue<DateTimeOffset>(4), time);
            }

            _ends.Add(new TransactionEnd((ulong)reader.GetInt64(0), reader.GetString(1), reader.GetBoolean(2), time));
        }
    }

    /// <summary>
    /// The ledger at a target, by the rules of recoveryStopsBefore() and recoveryStopsAfter() in PostgreSQL 15
    /// src/backend/access/transam/xlogrecovery.c: recovery goes through the WAL in order and stops for good at the first record that meets
    /// the target, commit or abort.
    /// </summary>
    public IReadOnlyList<string> At(LedgerTarget target) => target.Kind switch
    {
        LedgerTargetKind.Time => Rows(_ends.TakeWhile(end => target.Inclusive ? end.Time <= target.Time : end.Time < target.Time)),
        LedgerTargetKind.Lsn when target.Inclusive => Rows(_ends.Where(end => end.Lsn <= _recordStarts.First(start => start >= target.Lsn))),
        LedgerTargetKind.Lsn => Rows(_ends.Where(end => end.Lsn < target.Lsn)),
        _ => Rows(_ends.TakeWhile(end => end.Xid != target.Xid).Concat(target.Inclusive ? _ends.Where(end => end.Xid == target.Xid) : [])),
    };

    List<string> Rows(IEnumerable<TransactionEnd> ends) =>
        ends.Where(end => end.IsCommit && _rows.ContainsKey(end.Xid)).Select(end => _rows[end.Xid]).Order(StringComparer.Ordinal).ToList();

    /// <summary>A random target between a moment and the last commit.</summary>
    public LedgerTarget Choose(int number, DateTimeOffset after, Random random)
    {
        var candidates = _ends.Where(end => end.Time > after && end != _ends[^1]).ToArray();
        var commits = candidates.Where(c => c.IsCommit).ToArray();
        var end = candidates[random.Next(candidates.Length)];
        var commit = commits[random.Next(commits.Length)];
        var inclusive = random.Next(2) == 0;
        return (number % 4) switch
        {
            // Between commits, and exactly at one.
            0 => LedgerTarget.AtTime(end.Time.AddMicroseconds(random.Next(1, 500)), inclusive),
            1 => LedgerTarget.AtTime(commit.Time, inclusive),
            2 => LedgerTarget.AtLsn(random.Next(2) == 0 ? commit.Lsn : end.Lsn + (ulong)random.Next(1, 200), inclusive),
            _ => LedgerTarget.AtXid(commit.Xid, inclusive),
        };
    }
}

/// <summary>A commit or abort record.</summary>
sealed record TransactionEnd(ulong Lsn, string Xid, bool IsCommit, DateTimeOffset Time);

enum LedgerTargetKind
{
    Time,
    Lsn,
    Xid,
}

/// <summary>A recovery target, as `pitr restore` takes it.</summary>
sealed record LedgerTarget(LedgerTargetKind Kind, DateTimeOffset Time, ulong Lsn, string Xid, bool Inclusive)
{
    public static LedgerTarget AtTime(DateTimeOffset time, bool inclusive) => new(LedgerTargetKind.Time, time, 0, "", inclusive);

    public static LedgerTarget AtLsn(ulong lsn, bool inclusive) => new(LedgerTargetKind.Lsn, default, lsn, "", inclusive);

    public static LedgerTarget AtXid(string xid, bool inclusive) => new(LedgerTargetKind.Xid, default, 0, xid, inclusive);

    public string[] Arguments =>
    [
        .. Kind switch
        {
            LedgerTargetKind.Time => new[] { "--target-time", Time.ToString("yyyy-MM-dd HH:mm:ss.ffffffzzz", CultureInfo.InvariantCulture) },
            LedgerTargetKind.Lsn => ["--target-lsn", $"{Lsn >> 32:X}/{(uint)Lsn:X}"],
            _ => ["--target-xid", Xid],
        },
        .. Inclusive ? Array.Empty<string>() : ["--exclusive"],
    ];

    public override string ToString() => string.Join(' ', Arguments);
}

/// <summary>Reads the ledger of a server.</summary>
static class LedgerState
{
    /// <summary>One line for each transaction, "xid: client, rows", in order.</summary>
    public static async Task<IReadOnlyList<string>> ReadRowsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(
            "SELECT coalesce(array_agg(line ORDER BY line COLLATE \"C\"), '{}') FROM (SELECT format('%s: %s, %s', xid, min(client), count(*)) AS line FROM ledger GROUP BY xid) l", connection);
        return (string[])(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Clients whose total is not the number of their transactions; empty in every consistent state.</summary>
    public static async Task<string> ReadContradictionsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(
            "SELECT coalesce(string_agg(t::text, ' '), '') FROM totals t WHERE transactions <> (SELECT count(DISTINCT xid) FROM ledger l WHERE l.client = t.client)", connection);
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
