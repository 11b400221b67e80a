using System.Globalization;
using System.Text.RegularExpressions;

namespace Pitr.Storage.Ftp;

/// <summary>
/// Answers of LIST in the form of <c>ls -l</c>: <c>-rw------- 1 pitr pitr 16777216 Nov 21 10:30 name</c>. No standard describes it; nearly every
/// server without MLSD gives it. Times have minutes or days at best, and no zone: they are taken as UTC.
/// </summary>
static partial class UnixListing
{
    static readonly string[] Months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

    /// <summary>
    /// Reads one line; <see langword="null"/> for the line with the total. The names <c>.</c> and <c>..</c> are returned:
    /// their presence proves that the directory was read.
    /// </summary>
    /// <exception cref="FormatException">The line is not of this form.</exception>
    public static FtpEntry? Parse(string line, DateTimeOffset now)
    {
        if (line.StartsWith("total ", StringComparison.Ordinal))
        {
            return null;
        }

        var match = Line().Match(line);
        var month = match.Success ? Array.FindIndex(Months, name => name.Equals(match.Groups["month"].Value, StringComparison.OrdinalIgnoreCase)) : -1;
        if (month < 0)
        {
            throw new FormatException($"the line \"{line}\" of a listing is not in the form of ls -l");
        }

        var kind = line[0] switch
        {
            '-' => FtpEntryKind.File,
            'd' => FtpEntryKind.Directory,
            _ => FtpEntryKind.Other,
        };
        return new FtpEntry(
            match.Groups["name"].Value,
            kind,
            kind == FtpEntryKind.File ? long.Parse(match.Groups["size"].Value, NumberStyles.None, CultureInfo.InvariantCulture) : 0,
            Time(month + 1, int.Parse(match.Groups["day"].Value, CultureInfo.InvariantCulture), match.Groups["when"].Value, now, line));
    }

    static DateTimeOffset Time(int month, int day, string when, DateTimeOffset now, string line)
    {
        try
        {
            var colon = when.IndexOf(':');
            if (colon < 0)
            {
                return new DateTimeOffset(int.Parse(when, CultureInfo.InvariantCulture), month, day, 0, 0, 0, TimeSpan.Zero);
            }

            // Without a year it is one of the last twelve months; a zone east of UTC may be a day ahead.
            var hour = int.Parse(when.AsSpan(0, colon), CultureInfo.InvariantCulture);
            var minute = int.Parse(when.AsSpan(colon + 1), CultureInfo.InvariantCulture);
            // 29 February exists in the year meant, perhaps not in this one.
            var year = now.Year;
            while (day > DateTime.DaysInMonth(year, month) || new DateTimeOffset(year, month, day, hour, minute, 0, TimeSpan.Zero) > now.AddDays(1))
            {
                year--;
            }

            return new DateTimeOffset(year, month, day, hour, minute, 0, TimeSpan.Zero);
        }
        catch (ArgumentOutOfRangeException fault)
        {
            throw new FormatException($"the line \"{line}\" of a listing has an impossible time", fault);
        }
    }

    // Owner and group may be missing or hold spaces, so size and time are what is looked for. A name may begin with spaces.
    [GeneratedRegex(@"^[-dlbcpsD][-rwxsStTlL]{9}[.+@]? +\d+ .*?(?<size>\d+) +(?<month>[A-Za-z]{3}) +(?<day>\d{1,2}) +(?<when>\d{1,2}:\d{2}|\d{4}) (?<name>.+)$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Line();
}
