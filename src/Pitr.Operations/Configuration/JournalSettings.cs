namespace Pitr.Operations.Configuration;

/// <summary>What a service of kind files takes of the systemd journal.</summary>
public sealed record JournalSettings
{
    /// <summary>How long exported entries are kept in new backups, unless the configuration says otherwise.</summary>
    public static readonly TimeSpan DefaultKeep = TimeSpan.FromDays(90);

    /// <summary>Directory of the journal's files; null: the journal of this host.</summary>
    public string? Directory { get; init; }

    /// <summary>Units, or globs of their names, whose entries are taken; none: all.</summary>
    public IReadOnlyList<string> Units { get; init; } = [];

    /// <summary>Syslog identifiers whose entries are taken; none: all.</summary>
    public IReadOnlyList<string> Identifiers { get; init; } = [];

    /// <summary>Further matches, each <c>FIELD=value</c>; none: all.</summary>
    public IReadOnlyList<string> Matches { get; init; } = [];

    /// <summary>How long exported entries are kept in new backups, whether the journal still has them or not.</summary>
    public TimeSpan Keep { get; init; } = DefaultKeep;

    /// <summary>Where journalctl is; null: in the usual places.</summary>
    public string? BinDirectory { get; init; }
}
