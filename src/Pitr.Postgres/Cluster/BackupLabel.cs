using Pitr.Format.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>
/// Content of <c>backup_label</c>: where a base backup starts (build_backup_content() of PostgreSQL 15
/// src/backend/access/transam/xlogbackup.c; the same lines in 14 to 18).
/// </summary>
/// <param name="StartLsn">Replay begins here (the checkpoint's redo position).</param>
/// <param name="StartWal">Segment of <paramref name="StartLsn"/>.</param>
/// <param name="BackupFrom"><c>primary</c> or <c>standby</c>.</param>
/// <param name="StartTimeText">As the server wrote it, in its <c>log_timezone</c>.</param>
/// <param name="StartTime">Null when the zone's abbreviation says nothing about its offset.</param>
public record BackupLabel(
    Lsn StartLsn,
    WalSegmentName StartWal,
    Lsn CheckpointLsn,
    Timeline StartTimeline,
    string Label,
    string BackupFrom,
    string StartTimeText,
    DateTimeOffset? StartTime)
{
    /// <summary>Name in the root of a backup.</summary>
    public const string FileName = "backup_label";

    /// <exception cref="FormatException">A line is missing or malformed; the message names it.</exception>
    public static BackupLabel Parse(string text)
    {
        var lines = new BackupLabelLines(text, FileName);
        var (startLsn, startWal) = lines.Location("START WAL LOCATION");
        var startTime = lines.Text("START TIME");
        return new BackupLabel(
            startLsn,
            startWal,
            lines.Lsn("CHECKPOINT LOCATION"),
            lines.Timeline("START TIMELINE"),
            lines.Text("LABEL"),
            lines.Text("BACKUP FROM"),
            startTime,
            BackupLabelLines.ReadTime(startTime));
    }
}
