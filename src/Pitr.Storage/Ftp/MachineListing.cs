using System.Globalization;

namespace Pitr.Storage.Ftp;

/// <summary>Answers of MLSD and MLST: <c>type=file;size=3;modify=20261121103011; name</c> (RFC 3659 §7).</summary>
static class MachineListing
{
    /// <summary>Reads one line; <see langword="null"/> for the directory itself and its parent.</summary>
    /// <exception cref="FormatException">The line is not of this form.</exception>
    public static FtpEntry? Parse(string line)
    {
        // The first space ends the facts; the name may hold more of them.
        var space = line.IndexOf(' ');
        if (space < 0)
        {
            throw new FormatException($"the line \"{line}\" of a listing has no name");
        }

        var name = line[(space + 1)..];
        string? type = null;
        long? size = null;
        DateTimeOffset? modified = null;
        foreach (var range in line.AsSpan(0, space).Split(';'))
        {
            var fact = line.AsSpan(range);
            var equals = fact.IndexOf('=');
            if (equals < 0)
            {
                continue;
            }

            var value = fact[(equals + 1)..];
            switch (fact[..equals])
            {
                case var fold when fold.Equals("type", StringComparison.OrdinalIgnoreCase):
                    type = value.ToString();
                    break;
                case var fold when fold.Equals("size", StringComparison.OrdinalIgnoreCase):
                    size = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : null;
                    break;
                case var fold when fold.Equals("modify", StringComparison.OrdinalIgnoreCase):
                    modified = ParseTime(value);
                    break;
            }
        }

        return type?.ToLowerInvariant() switch
        {
            "cdir" or "pdir" => null,
            "dir" when name is "." or ".." => null,
            "dir" => new FtpEntry(name, FtpEntryKind.Directory, 0, modified ?? DateTimeOffset.UnixEpoch),
            "file" when size is { } bytes => new FtpEntry(name, FtpEntryKind.File, bytes, modified ?? DateTimeOffset.UnixEpoch),
            null or "file" => throw new FormatException($"the line \"{line}\" of a listing lacks a type or a size"),
            _ => new FtpEntry(name, FtpEntryKind.Other, 0, modified ?? DateTimeOffset.UnixEpoch),
        };
    }

    /// <summary>A time as MLST, MLSD and MDTM give it, in UTC: <c>20261121103011</c>, perhaps with a fraction (RFC 3659 §2.3).</summary>
    public static DateTimeOffset? ParseTime(ReadOnlySpan<char> text)
    {
        var dot = text.IndexOf('.');
        var whole = dot < 0 ? text : text[..dot];
        if (!DateTimeOffset.TryParseExact(
            whole, "yyyyMMddHHmmss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            return null;
        }

        return dot >= 0 && double.TryParse(text[dot..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var fraction)
            ? time.AddSeconds(fraction)
            : time;
    }
}
