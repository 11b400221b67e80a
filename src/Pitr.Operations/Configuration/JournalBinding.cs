namespace Pitr.Operations.Configuration;

/// <summary>Reads <c>journal</c> of a service of <c>kind: files</c>.</summary>
static class JournalBinding
{
    const int LongestField = 64;

    static readonly TimeSpan ShortestKeep = TimeSpan.FromHours(1);
    static readonly TimeSpan LongestKeep = TimeSpan.FromDays(3650);

    /// <summary>Reads it; null when the configuration does not have it.</summary>
    /// <param name="service">The section of the service.</param>
    public static JournalSettings? Bind(YamlSection service)
    {
        const string key = "journal";
        var section = service.Section(key);
        var settings = new JournalSettings
        {
            Directory = section.OptionalPath("directory"),
            Units = [.. section.OptionalList("units", "list of units").Select(unit => unit.Text)],
            Identifiers = [.. section.OptionalList("identifiers", "list of identifiers").Select(identifier => identifier.Text)],
            Matches = Matches(section),
            Keep = section.Duration("keep", JournalSettings.DefaultKeep, ShortestKeep, LongestKeep),
            BinDirectory = section.OptionalPath("bin-directory"),
        };
        section.Close();
        return service.Holds(key) || section.KnownKeys.Any(section.Holds) ? settings : null;
    }

    static IReadOnlyList<string> Matches(YamlSection section)
    {
        const string key = "matches";
        var matches = section.OptionalList(key, "list of matches");
        foreach (var match in matches.Where(match => !IsMatch(match.Text)))
        {
            section.Report(match.Where, $"{section.Of(key)} holds \"{match.Text}\", which is no match of journalctl", "write FIELD=value, for example _TRANSPORT=kernel or PRIORITY=3");
        }

        return [.. matches.Select(match => match.Text)];
    }

    // As the journal names its fields (systemd.journal-fields(7)); so none can be taken for an option, a file or "+".
    static bool IsMatch(string text)
    {
        var length = text.IndexOf('=', StringComparison.Ordinal);
        return length is > 0 and <= LongestField && !char.IsAsciiDigit(text[0]) && text.AsSpan(0, length).IndexOfAnyExcept("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") < 0;
    }
}
