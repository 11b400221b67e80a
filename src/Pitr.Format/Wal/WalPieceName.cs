using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pitr.Format.Wal;

/// <summary>
/// Names a piece of a WAL segment: the bytes from offset <paramref name="From"/>, inclusive, to <paramref name="To"/>, exclusive. Text form
/// <c>&lt;segment&gt;.parts/&lt;from&gt;-&lt;to&gt;</c>, both with eight upper-case hexadecimal digits, so that pieces sort by their place.
/// </summary>
/// <param name="Segment">The segment it is of.</param>
/// <param name="From">Offset of its first byte in the segment.</param>
/// <param name="To">Offset behind its last byte; more than <paramref name="From"/>, at most 1 GiB.</param>
public readonly record struct WalPieceName(WalSegmentName Segment, uint From, uint To) : IComparable<WalPieceName>
{
    /// <summary>What follows the segment in the name of the directory of its pieces.</summary>
    public const string DirectorySuffix = ".parts";

    /// <summary>Bytes in the piece.</summary>
    public int Length => checked((int)(To - From));

    public static bool operator <(WalPieceName left, WalPieceName right) => left.CompareTo(right) < 0;

    public static bool operator >(WalPieceName left, WalPieceName right) => left.CompareTo(right) > 0;

    public static bool operator <=(WalPieceName left, WalPieceName right) => left.CompareTo(right) <= 0;

    public static bool operator >=(WalPieceName left, WalPieceName right) => left.CompareTo(right) >= 0;

    /// <summary>False for every other text, also for an empty piece.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out WalPieceName name) => TryParse(text.AsSpan(), out name);

    /// <inheritdoc cref="TryParse(string?, out WalPieceName)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out WalPieceName name)
    {
        const int offsets = 8 + 1 + 8;
        name = default;
        if (text.Length != WalSegmentName.Length + DirectorySuffix.Length + 1 + offsets
            || !WalSegmentName.TryParse(text[..WalSegmentName.Length], out var segment)
            || !text[WalSegmentName.Length..].StartsWith(DirectorySuffix + "/", StringComparison.Ordinal)
            || text[^9] != '-'
            || !HexText.TryParse8(text[^offsets..^9], out var from)
            || !HexText.TryParse8(text[^8..], out var to)
            || from >= to
            || to > WalSegmentSize.MaximumBytes)
        {
            return false;
        }

        name = new WalPieceName(segment, from, to);
        return true;
    }

    /// <summary>Orders by segment, then place.</summary>
    public int CompareTo(WalPieceName other)
    {
        var order = Segment.CompareTo(other.Segment);
        if (order == 0)
        {
            order = From.CompareTo(other.From);
        }

        return order != 0 ? order : To.CompareTo(other.To);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Segment}{DirectorySuffix}/{From:X8}-{To:X8}");
}
