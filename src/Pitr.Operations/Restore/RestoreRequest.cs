using Pitr.Format.Layout;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Restore;

/// <summary>What somebody asked to have back.</summary>
/// <param name="Target">The moment.</param>
/// <param name="Timeline">"latest", "current" (the backup's own) or a timeline number.</param>
/// <param name="Backup">The backup to start from; null lets the planner choose the newest one that fits.</param>
public sealed record RestoreRequest(RecoveryTarget Target, string Timeline = "latest", BackupId? Backup = null);
