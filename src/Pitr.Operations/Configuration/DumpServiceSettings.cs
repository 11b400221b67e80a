namespace Pitr.Operations.Configuration;

/// <summary>A service whose backups are dumps: streams that a tool of the vendor writes and reads again.</summary>
/// <inheritdoc cref="ServiceSettings"/>
public abstract record DumpServiceSettings(
    string Name,
    string Kind,
    IReadOnlyList<string> Repositories,
    ObjectiveSettings Objectives,
    RetentionSettings Retention) : ServiceSettings(Name, Kind, Repositories, Objectives, Retention)
{
    /// <summary>What is there for such services, as a hint of everything that is not.</summary>
    internal const string WhatThereIs = "services whose backups are dumps have: pitr backup, restore, info, audit, drill, repo catch-up";

    /// <summary>How dumps are stored.</summary>
    public DumpStorageSettings Backup { get; init; } = DumpStorageSettings.Default;

    /// <summary>What drills look at.</summary>
    public DrillSettings Drill { get; init; } = DrillSettings.Default;

    /// <summary>The password that the tools are given, or null where none is needed.</summary>
    public SecretValue? Password { get; init; }

    /// <summary>Absolute path of the directory with the tools, or null to look in the usual places.</summary>
    public string? BinDirectory { get; init; }
}
