using System.Globalization;
using Npgsql;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Ledger;

/// <summary>
/// Knows, from the live server alone, which transactions a recovery must bring back: the order of commits in the WAL (pg_walinspect), the
/// time of each (pg_xact_commit_timestamp), and the rows of each. One oracle knows one timeline with all it descends from.
/// </summary>
sealed class LedgerOracle
{
    readonly List<TransactionEnd> _ends = [];
    readonly List<ulong> _recordStarts = [];
    readonly Dictionary<string, string> _rows = [];
    ulong _readTo;

    /// <summary>Commits and aborts in the order of the WAL.</summary>
    public IReadOnlyList<TransactionEnd> Ends => _ends;

    /// <summary>An oracle that knows nothing yet and reads WAL from a record on.</summary>
    public static LedgerOracle From(Lsn lsn) => new() { _readTo = lsn.Value };

    /// <summary>What a timeline that leaves this one at a position knows of it; it goes on reading there.</summary>
    public LedgerOracle Fork(Lsn switchPoint)
    {
        var fork = From(switchPoint);
        fork._ends.AddRange(_ends.Where(end => end.Lsn < switchPoint.Value));
        fork._recordStarts.AddRange(_recordStarts.Where(start => start < switchPoint.Value));
        return fork;
    }

    /// <summary>Reads what was written since the last time, from the server that wrote it.</summary>
    public async Task ReadMoreAsync(NpgsqlConnection connection)
    {
        await ExecuteAsync(
            connection,
            $"""
            SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; DROP TABLE IF EXISTS wal;
            CREATE TEMPORARY TABLE wal AS SELECT start_lsn, xid, resource_manager, record_type, description FROM pg_get_wal_records_info('{new Lsn(_readTo)}', pg_current_wal_flush_lsn());
            """);
        // The last record that was read is where reading goes on: it is known already.
        var known = _recordStarts.Count == 0 ? -1 : (long)_recordStarts[^1];
        await using (var records = new NpgsqlCommand($"SELECT (start_lsn - '0/0')::bigint FROM wal WHERE start_lsn - '0/0' > {known} ORDER BY 1", connection))
        await using (var reader = await records.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                _recordStarts.Add((ulong)reader.GetInt64(0));
            }
        }

        await ReadEndsAsync(connection, known);
        _readTo = _recordStarts.Count == 0 ? _readTo : Math.Max(_readTo, _recordStarts[^1]);
        _rows.Clear();
        foreach (var row in await LedgerState.ReadRowsAsync(connection))
        {
            _rows[row[..row.IndexOf(':', StringComparison.Ordinal)]] = row;
        }
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    async Task ReadEndsAsync(NpgsqlConnection connection, long known)
    {
        await using var ends = new NpgsqlCommand(
            $$"""
            SELECT (start_lsn - '0/0')::bigint, xid::text, record_type = 'COMMIT', substring(description from '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.?\d*')::timestamp AT TIME ZONE 'UTC',
                   CASE WHEN record_type = 'COMMIT' THEN pg_xact_commit_timestamp(xid) END
            FROM wal WHERE resource_manager = 'Transaction' AND record_type IN ('COMMIT', 'ABORT') AND start_lsn - '0/0' > {{known}} ORDER BY 1
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
        LedgerTargetKind.Lsn when target.Inclusive && _recordStarts.First(start => start >= target.Lsn) is var last => Rows(_ends.Where(end => end.Lsn <= last)),
        LedgerTargetKind.Lsn => Rows(_ends.Where(end => end.Lsn < target.Lsn)),
        _ => Rows(_ends.TakeWhile(end => end.Xid != target.Xid).Concat(target.Inclusive ? _ends.Where(end => end.Xid == target.Xid) : [])),
    };

    List<string> Rows(IEnumerable<TransactionEnd> ends) =>
        ends.Where(end => end.IsCommit && _rows.ContainsKey(end.Xid)).Select(end => _rows[end.Xid]).Order(StringComparer.Ordinal).ToList();

    /// <summary>A random target between two moments; null when there are too few transactions between them.</summary>
    public LedgerTarget? TryChoose(int number, DateTimeOffset after, DateTimeOffset before, Random random)
    {
        // PostgreSQL reaches a time only where it sees a later commit.
        var candidates = _ends.Where(end => end.Time > after && end.Time < before).SkipLast(1).ToArray();
        var commits = candidates.Where(c => c.IsCommit).ToArray();
        if (commits.Length == 0)
        {
            return null;
        }

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
