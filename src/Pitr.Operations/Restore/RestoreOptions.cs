using Pitr.Operations.Restore.InPlace;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Restore;

/// <summary>How the restored directory is set up for recovery.</summary>
/// <param name="Action">What PostgreSQL does when it has reached the target.</param>
/// <param name="RestoreCommand">The restore_command that is written.</param>
/// <param name="ArchiveOff">
/// Writes archive_mode = off, so that a copy beside a running cluster does not put a new timeline into the cluster's own archive.
/// </param>
public sealed record RestoreOptions(RecoveryAction Action, string RestoreCommand, bool ArchiveOff)
{
    /// <summary>Where tablespaces go.</summary>
    public TablespaceMap Tablespaces { get; init; } = TablespaceMap.Original;

    /// <summary>What becomes of files that are there.</summary>
    public RestoreMode Mode { get; init; }

    /// <summary>In place: where the old cluster's data directory is, in its place or aside; null when there is none.</summary>
    public string? OldDirectory { get; init; }

    /// <summary>In place: where the old cluster has its WAL, when that is elsewhere; the restored one gets it there, too.</summary>
    public LinkedWal? Wal { get; init; }

    /// <summary>Sets a standby up instead of a recovery.</summary>
    public bool Standby { get; init; }

    /// <summary>For a standby: primary_conninfo; null leaves what the backup has. May hold a password: not for messages.</summary>
    public string? PrimaryConnectionInfo { get; init; }
}
