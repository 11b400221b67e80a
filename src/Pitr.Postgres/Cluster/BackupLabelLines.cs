using System.Globalization;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>The <c>NAME: value</c> lines of a backup label or backup history file, each name once.</summary>
sealed class BackupLabelLines
{
    readonly Dictionary<string, string> _lines = [];
    readonly string _file;

    public BackupLabelLines(string text, string file)
    {
        _file = file;
        foreach (var line in text.Split('\n'))
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon > 0)
            {
                // A label is a single line, but names may not be forged by one: the first of a name counts.
                _lines.TryAdd(line[..colon], line[(colon + 2)..].TrimEnd('\r'));
            }
        }
    }

    /// <summary>
    /// <c>2026-11-21 09:10:00 UTC</c>: the zone is an abbreviation of the server's log_timezone, of which only UTC and numeric ones are unambiguous.
    /// </summary>
    public static DateTimeOffset? ReadTime(string text)
    {
        var space = text.LastIndexOf(' ');
        if (space < 0
            || !DateTime.TryParseExact(text[..space], "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
        {
            return null;
        }

        var zone = text[(space + 1)..];
        if (zone is "UTC" or "GMT")
        {
            return new DateTimeOffset(local, TimeSpan.Zero);
        }

        string[] forms = [@"hh", @"hhmm", @"hh\:mm"];
        if (zone.Length > 1 && zone[0] is '+' or '-'
            && TimeSpan.TryParseExact(zone[1..], forms, CultureInfo.InvariantCulture, out var offset)
            && offset <= TimeSpan.FromHours(14))
        {
            return new DateTimeOffset(local, zone[0] == '-' ? -offset : offset);
        }

        return null;
    }

    public string Text(string name) =>
        _lines.TryGetValue(name, out var value) ? value : throw new FormatException($"{_file} has no line \"{name}: …\"");

    public Lsn Lsn(string name) =>
        Format.Wal.Lsn.TryParse(Text(name), out var lsn) ? lsn : throw Malformed(name, "an LSN such as 0/2000028");

    public Timeline Timeline(string name) =>
        Format.Wal.Timeline.TryParse(Text(name), out var timeline) ? timeline : throw Malformed(name, "a timeline number");

    /// <summary><c>0/2000028 (file 000000010000000000000002)</c>.</summary>
    public (Lsn Lsn, WalSegmentName Wal) Location(string name)
    {
        const string middle = " (file ";
        var value = Text(name);
        var split = value.IndexOf(middle, StringComparison.Ordinal);
        if (split < 0
            || !value.EndsWith(')')
            || !Format.Wal.Lsn.TryParse(value.AsSpan(0, split), out var lsn)
            || !WalSegmentName.TryParse(value.AsSpan()[(split + middle.Length)..^1], out var wal))
        {
            throw Malformed(name, "\"0/2000028 (file 000000010000000000000002)\"");
        }

        return (lsn, wal);
    }

    FormatException Malformed(string name, string expected) => new($"{_file}: \"{name}: {Text(name)}\" is not {expected}");
}
