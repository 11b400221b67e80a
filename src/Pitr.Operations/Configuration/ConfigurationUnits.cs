using System.Globalization;

namespace Pitr.Operations.Configuration;

/// <summary>
/// How durations and sizes are written: a whole number directly followed by its unit, nothing implied. <c>MB</c> is 10^6 bytes and
/// <c>MiB</c> is 2^20 (IEC 80000-13); a number without a unit is refused, because whoever reads it has to guess.
/// </summary>
public static class ConfigurationUnits
{
    /// <summary>Said with every refused duration.</summary>
    public const string DurationHint = "a whole number with its unit: ms, s, m, h or d, e.g. 30s, 5m, 2h, 7d";

    /// <summary>Said with every refused size.</summary>
    public const string SizeHint =
        "a whole number with its unit: B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024), e.g. 16MiB, 50MB";

    /// <summary>Said with every refused rate.</summary>
    /// <summary>The least that may be asked for where a rate limits something: below it nothing would ever end.</summary>
    public const long SlowestRate = 1000;

    public const string RateHint = "a size per second: a whole number with its unit and /s, e.g. 500kB/s, 20MB/s (1 MB/s is 8 Mbit/s)";

    const string PerSecond = "/s";

    static readonly (string Unit, long Factor)[] Durations =
    [
        ("d", TimeSpan.TicksPerDay),
        ("h", TimeSpan.TicksPerHour),
        ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond),
    ];

    static readonly (string Unit, long Factor)[] Sizes =
    [
        ("TiB", 1L << 40), ("TB", 1_000_000_000_000),
        ("GiB", 1L << 30), ("GB", 1_000_000_000),
        ("MiB", 1L << 20), ("MB", 1_000_000),
        ("KiB", 1L << 10), ("kB", 1_000),
        ("B", 1),
    ];

    /// <summary>Reads <c>30s</c>, <c>5m</c>, <c>2h</c>, <c>7d</c>, <c>200ms</c>; false for anything else, also when it is too long to hold.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        var read = TryParse(text, Durations, out var ticks);
        duration = new TimeSpan(ticks);
        return read;
    }

    /// <summary>Reads <c>16MiB</c>, <c>50MB</c>, <c>512B</c> into bytes; false for anything else, also when it does not fit 63 bits.</summary>
    public static bool TryParseSize(string text, out long bytes) => TryParse(text, Sizes, out bytes);

    /// <summary>Reads <c>20MB/s</c>, <c>512KiB/s</c> into bytes per second; false for anything else, also when it does not fit 63 bits.</summary>
    public static bool TryParseRate(string text, out long bytesPerSecond)
    {
        bytesPerSecond = 0;
        return text.EndsWith(PerSecond, StringComparison.Ordinal) && TryParseSize(text[..^PerSecond.Length], out bytesPerSecond);
    }

    /// <summary>The shortest notation that reads back as exactly the same rate.</summary>
    public static string FormatRate(long bytesPerSecond) => FormatSize(bytesPerSecond) + PerSecond;

    /// <summary>The shortest notation that reads back as exactly the same duration; whole milliseconds only, below that it rounds down.</summary>
    public static string Format(TimeSpan duration)
    {
        var milliseconds = new TimeSpan(duration.Ticks - (duration.Ticks % TimeSpan.TicksPerMillisecond));
        return milliseconds == TimeSpan.Zero ? "0s" : Format(milliseconds.Ticks, Durations);
    }

    /// <summary>The shortest notation that reads back as exactly as many bytes.</summary>
    public static string FormatSize(long bytes) => bytes == 0 ? "0B" : Format(bytes, Sizes);

    static bool TryParse(string text, (string Unit, long Factor)[] units, out long value)
    {
        value = 0;
        var digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (digits <= 0 || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }
        foreach (var (unit, factor) in units)
        {
            if (text.AsSpan(digits).SequenceEqual(unit))
            {
                if (number > long.MaxValue / factor)
                {
                    return false;
                }
                value = number * factor;
                return true;
            }
        }
        return false;
    }

    static string Format(long value, (string Unit, long Factor)[] units)
    {
        // Longest factor first in the tables, so the first that divides gives the shortest number.
        var (unit, factor) = units.OrderByDescending(u => u.Factor).First(u => value % u.Factor == 0);
        return (value / factor).ToString(CultureInfo.InvariantCulture) + unit;
    }
}
