using System.Diagnostics.CodeAnalysis;

namespace Pitr.Format.Wal;

/// <summary>
/// Name of any file PostgreSQL archives: segment, partial segment, timeline history or backup history
/// (IsXLogFileName, IsPartialXLogFileName, IsTLHistoryFileName, IsBackupHistoryFileName of PostgreSQL 15 src/include/access/xlog_internal.h).
/// </summary>
public readonly record struct WalFileName
{
    const string PartialSuffix = ".partial";
    const string HistorySuffix = ".history";
    const string BackupSuffix = ".backup";

    WalFileName(WalFileKind kind, Timeline timeline, WalSegmentName? segment, uint? backupOffset)
    {
        Kind = kind;
        Timeline = timeline;
        Segment = segment;
        BackupOffset = backupOffset;
    }

    public WalFileKind Kind { get; }

    public Timeline Timeline { get; }

    /// <summary>The segment of the name; null only for a timeline history.</summary>
    public WalSegmentName? Segment { get; }

    /// <summary>Offset of the backup's start in its segment; only for a backup history.</summary>
    public uint? BackupOffset { get; }

    public static WalFileName ForSegment(WalSegmentName segment) => new(WalFileKind.Segment, segment.Timeline, segment, null);

    public static WalFileName ForPartial(WalSegmentName segment) => new(WalFileKind.Partial, segment.Timeline, segment, null);

    public static WalFileName ForHistory(Timeline timeline) => new(WalFileKind.History, timeline, null, null);

    public static WalFileName ForBackupHistory(WalSegmentName segment, uint offset) => new(WalFileKind.BackupHistory, segment.Timeline, segment, offset);

    /// <exception cref="FormatException">None of the four forms.</exception>
    public static WalFileName Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var name)
            ? name
            : throw new FormatException($"not the name of a WAL file: \"{text}\"; expected a segment (24 hexadecimal digits), .partial, .history or .backup file");

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse([NotNullWhen(true)] string? text, out WalFileName name) => TryParse(text.AsSpan(), out name);

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse(ReadOnlySpan<char> text, out WalFileName name)
    {
        name = default;
        if (text.Length == 8 + HistorySuffix.Length)
        {
            if (!text.EndsWith(HistorySuffix, StringComparison.Ordinal) || !HexText.TryParse8(text[..8], out var timeline) || timeline == 0)
            {
                return false;
            }

            name = ForHistory(new Timeline(timeline));
            return true;
        }

        if (text.Length < WalSegmentName.Length || !WalSegmentName.TryParse(text[..WalSegmentName.Length], out var segment))
        {
            return false;
        }

        var rest = text[WalSegmentName.Length..];
        if (rest.IsEmpty)
        {
            name = ForSegment(segment);
            return true;
        }

        if (rest.SequenceEqual(PartialSuffix))
        {
            name = ForPartial(segment);
            return true;
        }

        if (rest.Length == 9 + BackupSuffix.Length && rest[0] == '.' && rest[9..].SequenceEqual(BackupSuffix)
            && HexText.TryParse8(rest[1..9], out var offset))
        {
            name = ForBackupHistory(segment, offset);
            return true;
        }

        return false;
    }

    public override string ToString() => Kind switch
    {
        WalFileKind.Segment => $"{Segment}",
        WalFileKind.Partial => $"{Segment}{PartialSuffix}",
        WalFileKind.BackupHistory => $"{Segment}.{BackupOffset:X8}{BackupSuffix}",
        _ => $"{Timeline.Hex}{HistorySuffix}",
    };
}
