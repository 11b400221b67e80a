namespace Pitr.Operations.Configuration;

/// <summary>A service of <c>kind: files</c>: trees of files of this host.</summary>
/// <inheritdoc cref="ServiceSettings"/>
public sealed record FilesServiceSettings(
    string Name,
    IReadOnlyList<string> Repositories,
    ObjectiveSettings Objectives,
    RetentionSettings Retention) : ServiceSettings(Name, KindName, Repositories, Objectives, Retention)
{
    /// <summary>The word for this kind in the configuration and in the catalog.</summary>
    public const string KindName = "files";

    /// <summary>What there is for such services, as a hint of everything that is not.</summary>
    internal const string WhatThereIs = "services of kind files have: pitr backup, restore, info, expire, pin, verify, drill, check, audit, repo gc, repo catch-up";

    /// <summary>Where it begins: absolute paths of directories or files, none within another; at least one, unless there is <see cref="Journal"/>.</summary>
    public required IReadOnlyList<string> Paths { get; init; }

    /// <summary>What is taken of the systemd journal; null: nothing.</summary>
    public JournalSettings? Journal { get; init; }

    /// <summary>Globs: if there are any, only what one of them matches is stored, and what lies below.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Globs: what one of them matches is not stored, nor what lies below.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Whether directories on which another file system is mounted are stored empty.</summary>
    public bool OneFileSystem { get; init; }

    /// <summary>How packs are made.</summary>
    public BackupSettings Backup { get; init; } = BackupSettings.Default;

    /// <summary>What drills look at.</summary>
    public FilesDrillSettings Drill { get; init; } = FilesDrillSettings.Default;
}
