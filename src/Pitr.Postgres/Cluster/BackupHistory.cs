using Pitr.Format.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>
/// Content of a backup history file <c>&lt;segment&gt;.&lt;offset&gt;.backup</c>: the backup's label and where it ended
/// (build_backup_content() of PostgreSQL 15 src/backend/access/transam/xlogbackup.c).
/// </summary>
/// <param name="StopLsn">The backup is consistent once replay has reached this.</param>
/// <param name="StopWal">Segment of <paramref name="StopLsn"/>: the last that the backup needs.</param>
/// <param name="StopTime">Null when the zone's abbreviation says nothing about its offset.</param>
public sealed record BackupHistory(
    Lsn StartLsn,
    WalSegmentName StartWal,
    Lsn CheckpointLsn,
    Timeline StartTimeline,
    string Label,
    string BackupFrom,
    string StartTimeText,
    DateTimeOffset? StartTime,
    Lsn StopLsn,
    WalSegmentName StopWal,
    Timeline StopTimeline,
    string StopTimeText,
    DateTimeOffset? StopTime)
    : BackupLabel(StartLsn, StartWal, CheckpointLsn, StartTimeline, Label, BackupFrom, StartTimeText, StartTime)
{
    /// <exception cref="FormatException">A line is missing or malformed; the message names it.</exception>
    public static new BackupHistory Parse(string text)
    {
        var start = BackupLabel.Parse(text);
        var lines = new BackupLabelLines(text, "backup history file");
        var (stopLsn, stopWal) = lines.Location("STOP WAL LOCATION");
        var stopTime = lines.Text("STOP TIME");
        return new BackupHistory(
            start.StartLsn,
            start.StartWal,
            start.CheckpointLsn,
            start.StartTimeline,
            start.Label,
            start.BackupFrom,
            start.StartTimeText,
            start.StartTime,
            stopLsn,
            stopWal,
            lines.Timeline("STOP TIMELINE"),
            stopTime,
            BackupLabelLines.ReadTime(stopTime));
    }
}
