using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>The WAL that one summary of the server tells about.</summary>
/// <param name="Timeline">On which timeline.</param>
/// <param name="Start">Its first record begins here or behind.</param>
/// <param name="End">Just behind its last record.</param>
public readonly record struct WalSummaryRange(Timeline Timeline, Lsn Start, Lsn End);
