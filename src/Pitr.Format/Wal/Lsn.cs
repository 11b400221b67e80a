using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pitr.Format.Wal;

/// <summary>
/// A log sequence number: a byte position in the WAL stream. Text form <c>%X/%X</c>, high and low 32 bits in hexadecimal without padding
/// (PostgreSQL 15 src/include/access/xlogdefs.h).
/// </summary>
public readonly record struct Lsn(ulong Value) : IComparable<Lsn>
{
    /// <summary>Position 0, which PostgreSQL calls InvalidXLogRecPtr: no WAL record is ever there.</summary>
    public static Lsn Invalid => default;

    public bool IsInvalid => Value == 0;

    public static bool operator <(Lsn left, Lsn right) => left.Value < right.Value;

    public static bool operator >(Lsn left, Lsn right) => left.Value > right.Value;

    public static bool operator <=(Lsn left, Lsn right) => left.Value <= right.Value;

    public static bool operator >=(Lsn left, Lsn right) => left.Value >= right.Value;

    /// <exception cref="OverflowException">The result exceeds 64 bits.</exception>
    public static Lsn operator +(Lsn left, ulong bytes) => new(checked(left.Value + bytes));

    /// <summary>Bytes from <paramref name="right"/> to <paramref name="left"/>.</summary>
    /// <exception cref="OverflowException"><paramref name="right"/> is the later one.</exception>
    public static ulong operator -(Lsn left, Lsn right) => checked(left.Value - right.Value);

    /// <exception cref="FormatException">The text is not an LSN.</exception>
    public static Lsn Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var lsn) ? lsn : throw new FormatException($"not an LSN: \"{text}\"; expected two hexadecimal numbers such as 16/B374D848");

    /// <summary>Accepts 1 to 8 hexadecimal digits on each side of the slash, in either case, as pg_lsn does.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Lsn lsn) => TryParse(text.AsSpan(), out lsn);

    /// <inheritdoc cref="TryParse(string?, out Lsn)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out Lsn lsn)
    {
        lsn = default;
        var slash = text.IndexOf('/');
        if (slash < 0 || !TryParseHalf(text[..slash], out var high) || !TryParseHalf(text[(slash + 1)..], out var low))
        {
            return false;
        }

        lsn = new Lsn(((ulong)high << 32) | low);
        return true;
    }

    public int CompareTo(Lsn other) => Value.CompareTo(other.Value);

    public override string ToString() => $"{(uint)(Value >> 32):X}/{(uint)Value:X}";

    static bool TryParseHalf(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        return text.Length is >= 1 and <= 8
            && uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
