using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>What a server says when backup mode ends.</summary>
/// <param name="StopLsn">Where replay must at least arrive.</param>
/// <param name="Label">Content of the backup's <c>backup_label</c>.</param>
/// <param name="Time">The server's clock.</param>
public sealed record BackupModeEnd(Lsn StopLsn, string Label, DateTimeOffset Time);
