using System.Globalization;
using System.Text.RegularExpressions;

namespace Pitr.Postgres.Recovery;

/// <summary>Reads the times people type for a recovery target. Never guesses a zone: an hour wrong is data lost.</summary>
static partial class RecoveryTime
{
    const string Example = "2026-11-21 03:15:00+00";

    static readonly TimeSpan LongestOffset = TimeSpan.FromHours(14);

    public static DateTimeOffset Parse(string text, TimeZoneInfo localZone)
    {
        ArgumentNullException.ThrowIfNull(text);
        var match = Pattern().Match(text.Trim());
        if (!match.Success)
        {
            throw new FormatException($"not a time: \"{text}\"; expected for example {Example}");
        }

        if (match.Groups["fraction"].Length > 6)
        {
            throw new FormatException($"time \"{text}\" is finer than PostgreSQL's microseconds: at most 6 digits after the decimal point");
        }

        var local = ReadLocal(match, text);
        var zone = match.Groups["zone"];
        if (!zone.Success)
        {
            throw new FormatException(Zoneless(text, local, localZone));
        }

        return AtOffset(local, ReadOffset(zone.Value, text), text);
    }

    static DateTime ReadLocal(Match match, string text)
    {
        var seconds = match.Groups["second"].Success ? match.Groups["second"].Value : "00";
        var plain = $"{match.Groups["date"].Value} {match.Groups["minute"].Value}:{seconds}";
        if (!DateTime.TryParseExact(plain, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
        {
            throw new FormatException($"not a time: \"{text}\" is not on the calendar or the clock");
        }

        var fraction = match.Groups["fraction"].Value.PadRight(6, '0');
        return local.AddTicks(int.Parse(fraction, NumberStyles.None, CultureInfo.InvariantCulture) * TimeSpan.TicksPerMicrosecond);
    }

    static TimeSpan ReadOffset(string zone, string text)
    {
        if (zone[0] is not ('+' or '-'))
        {
            return TimeSpan.Zero;
        }

        var digits = zone[1..].Replace(":", "", StringComparison.Ordinal);
        var hours = int.Parse(digits[..2], NumberStyles.None, CultureInfo.InvariantCulture);
        var minutes = digits.Length > 2 ? int.Parse(digits[2..], NumberStyles.None, CultureInfo.InvariantCulture) : 0;
        var offset = new TimeSpan(hours, minutes, 0);
        return minutes < 60 && offset <= LongestOffset
            ? (zone[0] == '-' ? -offset : offset)
            : throw new FormatException($"time \"{text}\" has an impossible offset {zone}: at most 14 hours");
    }

    static DateTimeOffset AtOffset(DateTime local, TimeSpan offset, string text)
    {
        try
        {
            return new DateTimeOffset(local, offset);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new FormatException($"time \"{text}\" is outside the years 1 to 9999", e);
        }
    }

    static string Zoneless(string text, DateTime local, TimeZoneInfo localZone)
    {
        var form = local.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-dd HH:mm:ss" : "yyyy-MM-dd HH:mm:ss.ffffff";
        var plain = local.ToString(form, CultureInfo.InvariantCulture);
        var start = $"time \"{text}\" has no time zone: write \"{plain}+00\" for UTC";
        if (localZone.IsInvalidTime(local))
        {
            return $"{start}; in the local zone {localZone.Id} the clocks skip that hour";
        }

        var offset = localZone.GetUtcOffset(local);
        var sign = offset < TimeSpan.Zero ? '-' : '+';
        var twice = localZone.IsAmbiguousTime(local) ? " (or its other offset: the clocks show that hour twice)" : "";
        var utc = new DateTimeOffset(DateTime.SpecifyKind(local, DateTimeKind.Unspecified), TimeSpan.Zero) - offset;
        return $"{start}, or \"{plain}{sign}{offset:hh\\:mm}\" for the local zone {localZone.Id}{twice}, "
            + $"which is {utc.ToString(form, CultureInfo.InvariantCulture)}+00";
    }

    [GeneratedRegex(
        @"^(?<date>\d{4}-\d{2}-\d{2})(?:[Tt]| +)(?<minute>\d{2}:\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?(?: *(?<zone>[Zz]|UTC|utc|GMT|gmt|[+-]\d{2}(?::?\d{2})?))?$",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Pattern();
}
