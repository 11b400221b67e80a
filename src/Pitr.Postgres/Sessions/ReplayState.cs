using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>Where replay is in a server that recovers; outside recovery only <see cref="InRecovery"/> means something.</summary>
/// <param name="IsPaused">Replay really stands still, not merely was asked to.</param>
/// <param name="LastReplayed">End of the last record replayed.</param>
/// <param name="LastTransaction">Time of the last transaction replayed, committed or aborted.</param>
public sealed record ReplayState(bool InRecovery, bool IsPaused, Lsn? LastReplayed, DateTimeOffset? LastTransaction);
