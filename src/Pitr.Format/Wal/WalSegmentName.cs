using System.Diagnostics.CodeAnalysis;

namespace Pitr.Format.Wal;

/// <summary>
/// Name of a WAL segment file: timeline, log and segment, eight upper-case hexadecimal digits each
/// (XLogFileName() of PostgreSQL 15 src/include/access/xlog_internal.h). Which positions it covers depends on the segment size.
/// </summary>
public readonly record struct WalSegmentName(Timeline Timeline, uint Log, uint Segment) : IComparable<WalSegmentName>
{
    /// <summary>Characters in the text form.</summary>
    public const int Length = 24;

    public static bool operator <(WalSegmentName left, WalSegmentName right) => left.CompareTo(right) < 0;

    public static bool operator >(WalSegmentName left, WalSegmentName right) => left.CompareTo(right) > 0;

    public static bool operator <=(WalSegmentName left, WalSegmentName right) => left.CompareTo(right) <= 0;

    public static bool operator >=(WalSegmentName left, WalSegmentName right) => left.CompareTo(right) >= 0;

    /// <exception cref="FormatException">Not 24 upper-case hexadecimal digits, or timeline 0.</exception>
    public static WalSegmentName Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var name)
            ? name
            : throw new FormatException($"not a WAL segment name: \"{text}\"; expected 24 upper-case hexadecimal digits such as 0000000100000000000000A1");

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse([NotNullWhen(true)] string? text, out WalSegmentName name) => TryParse(text.AsSpan(), out name);

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse(ReadOnlySpan<char> text, out WalSegmentName name)
    {
        name = default;
        if (text.Length != Length
            || !HexText.TryParse8(text[..8], out var timeline)
            || !HexText.TryParse8(text[8..16], out var log)
            || !HexText.TryParse8(text[16..], out var segment)
            || timeline == 0)
        {
            return false;
        }

        name = new WalSegmentName(new Timeline(timeline), log, segment);
        return true;
    }

    /// <summary>The segment that contains the byte at <paramref name="lsn"/>.</summary>
    public static WalSegmentName FromLsn(Timeline timeline, Lsn lsn, WalSegmentSize size) =>
        FromNumber(timeline, lsn.Value / (uint)size.Bytes, size);

    /// <summary>The inverse of <see cref="Number"/>.</summary>
    /// <exception cref="OverflowException">The number lies beyond the last LSN.</exception>
    public static WalSegmentName FromNumber(Timeline timeline, ulong number, WalSegmentSize size) =>
        new(timeline, checked((uint)(number / size.SegmentsPerLog)), (uint)(number % size.SegmentsPerLog));

    /// <summary>Whether such a segment can exist with this segment size: with 16 MiB the last part is at most 000000FF.</summary>
    public bool IsValidFor(WalSegmentSize size) => Segment < size.SegmentsPerLog;

    /// <summary>Position of the segment among all segments of its timeline, counted from 0.</summary>
    /// <exception cref="ArgumentException">The name is impossible with this segment size.</exception>
    public ulong Number(WalSegmentSize size)
    {
        if (!IsValidFor(size))
        {
            throw new ArgumentException(
                $"WAL segment {this} cannot exist with a segment size of {size}: its last part must be below {size.SegmentsPerLog:X8}",
                nameof(size));
        }

        return ((ulong)Log * size.SegmentsPerLog) + Segment;
    }

    /// <summary>LSN of the segment's first byte.</summary>
    /// <exception cref="ArgumentException">The name is impossible with this segment size.</exception>
    public Lsn StartLsn(WalSegmentSize size) => new(Number(size) * (uint)size.Bytes);

    /// <exception cref="ArgumentException">The name is impossible with this segment size.</exception>
    /// <exception cref="OverflowException">This is the last possible segment.</exception>
    public WalSegmentName Next(WalSegmentSize size) => FromNumber(Timeline, Number(size) + 1, size);

    /// <exception cref="ArgumentException">The name is impossible with this segment size.</exception>
    /// <exception cref="OverflowException">This is the first possible segment.</exception>
    public WalSegmentName Previous(WalSegmentSize size) => FromNumber(Timeline, checked(Number(size) - 1), size);

    /// <summary>Orders by timeline, then position: the ordinal order of the names.</summary>
    public int CompareTo(WalSegmentName other)
    {
        var order = Timeline.CompareTo(other.Timeline);
        if (order == 0)
        {
            order = Log.CompareTo(other.Log);
        }

        return order != 0 ? order : Segment.CompareTo(other.Segment);
    }

    public override string ToString() => $"{Timeline.Value:X8}{Log:X8}{Segment:X8}";
}
