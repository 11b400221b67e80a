using Pitr.Format.Layout;

namespace Pitr.Operations.Repositories;

/// <summary>What is copied from one repository to another, and how.</summary>
public sealed record RepositoryCopyOptions
{
    /// <summary>Only this service; null for all.</summary>
    public ServiceName? Service { get; init; }

    /// <summary>Only this backup of <see cref="Service"/>, with the WAL that makes it consistent; null for everything.</summary>
    public BackupId? Backup { get; init; }

    /// <summary>Objects copied at once, 1 or more.</summary>
    public int Jobs { get; init; } = 8;

    /// <summary>Only find out what would be copied.</summary>
    public bool DryRun { get; init; }

    /// <summary>Compare what is there by content, not by size alone.</summary>
    public bool ReadBack { get; init; }

    /// <summary>Make the destination a repository if it is none.</summary>
    public bool Initialise { get; init; }
}
