using System.Globalization;

namespace Pitr.Format.Wal;

/// <summary>A timeline number, 1 for a cluster fresh from initdb. Decimal in messages, eight hexadecimal digits in file names.</summary>
public readonly record struct Timeline(uint Value) : IComparable<Timeline>
{
    /// <summary>Eight upper-case hexadecimal digits, as in WAL file names.</summary>
    public string Hex => Value.ToString("X8", CultureInfo.InvariantCulture);

    public static bool operator <(Timeline left, Timeline right) => left.Value < right.Value;

    public static bool operator >(Timeline left, Timeline right) => left.Value > right.Value;

    public static bool operator <=(Timeline left, Timeline right) => left.Value <= right.Value;

    public static bool operator >=(Timeline left, Timeline right) => left.Value >= right.Value;

    /// <summary>Reads the decimal form; timeline 0 does not exist.</summary>
    /// <exception cref="FormatException">Not a decimal number from 1 to 4294967295.</exception>
    public static Timeline Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var timeline) ? timeline : throw new FormatException($"not a timeline: \"{text}\"; expected a decimal number from 1 up");

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse(ReadOnlySpan<char> text, out Timeline timeline)
    {
        var valid = uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value != 0;
        timeline = valid ? new Timeline(value) : default;
        return valid;
    }

    public int CompareTo(Timeline other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
