using Npgsql;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>
/// The summaries that a server with <c>summarize_wal</c> makes of its WAL: which blocks of which relations it changed ("WAL Summarization Information Functions"
/// of PostgreSQL 17's documentation; src/backend/postmaster/walsummarizer.c).
/// </summary>
public static class WalSummaries
{
    /// <summary>The first version that makes them.</summary>
    public const int FirstVersion = 17;

    /// <summary>Whether the server makes them.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<bool> AreMadeAsync(PostgresSession session, CancellationToken cancellation) =>
        (await session.ReadSettingsAsync(["summarize_wal"], cancellation)).GetValueOrDefault("summarize_wal")?.Value == "on";

    /// <summary>Those of a timeline that there are, in no particular order.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<IReadOnlyList<WalSummaryRange>> ReadAvailableAsync(PostgresSession session, Timeline timeline, CancellationToken cancellation) =>
        await session.QueryAsync(
            "SELECT start_lsn::text, end_lsn::text FROM pg_available_wal_summaries() WHERE tli = $1",
            [new NpgsqlParameter { Value = (long)timeline.Value }],
            row => new WalSummaryRange(timeline, Lsn.Parse(row.GetString(0)), Lsn.Parse(row.GetString(1))),
            cancellation);

    /// <summary>How far the server has come: everything before that position has a summary, or never will.</summary>
    /// <returns>Timeline 0 when it has not begun.</returns>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<(uint Timeline, Lsn Lsn)> ReadStateAsync(PostgresSession session, CancellationToken cancellation) =>
        (await session.QueryAsync(
            "SELECT summarized_tli, summarized_lsn::text FROM pg_get_wal_summarizer_state()",
            [],
            row => ((uint)row.GetInt64(0), Lsn.Parse(row.GetString(1))),
            cancellation))[0];

    /// <summary>Reads what one summary says about main forks. The server checks its checksum behind the last row.</summary>
    /// <param name="session">To the server.</param>
    /// <param name="summary">One that is there.</param>
    /// <param name="take">Given every row as it arrives.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="ServerException">It is there no more, or damaged.</exception>
    public static async Task ReadContentsAsync(PostgresSession session, WalSummaryRange summary, Action<WalSummaryBlock> take, CancellationToken cancellation)
    {
        // Not the other forks: free space is not logged, and early releases give wrong limits for visibility maps.
        const string sql = """
            SELECT reltablespace, reldatabase, relfilenode, relblocknumber, is_limit_block
            FROM pg_wal_summary_contents($1, $2::pg_lsn, $3::pg_lsn)
            WHERE relforknumber = 0
            """;
        await session.ReadAsync(
            sql,
            [new NpgsqlParameter { Value = (long)summary.Timeline.Value }, new NpgsqlParameter { Value = summary.Start.ToString() }, new NpgsqlParameter { Value = summary.End.ToString() }],
            row => take(new WalSummaryBlock(row.GetFieldValue<uint>(0), row.GetFieldValue<uint>(1), row.GetFieldValue<uint>(2), (uint)row.GetInt64(3), row.GetBoolean(4))),
            cancellation);
    }
}
