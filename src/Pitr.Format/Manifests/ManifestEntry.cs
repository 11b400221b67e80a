namespace Pitr.Format.Manifests;

/// <summary>A file, directory or link of a backup.</summary>
public sealed record ManifestEntry
{
    /// <summary>
    /// Relative to the data directory, parts separated by slashes (<see cref="ManifestPath"/>). In backups of kind files relative to /, and written as <see cref="EscapedBytes"/> does.
    /// </summary>
    public required string Path { get; init; }

    public required ManifestEntryKind Kind { get; init; }

    /// <summary>Bytes; 0 for directories and links.</summary>
    public long Size { get; init; }

    /// <summary>Permission bits, 0 to 07777.</summary>
    public int Mode { get; init; }

    public DateTimeOffset Modified { get; init; }

    /// <summary>Where a link points, or the path of the file that a hard link is another name of; only for those. In backups of kind files written as <see cref="EscapedBytes"/> does.</summary>
    public string? Target { get; init; }

    /// <summary>Content of a file, in order; the lengths add up to <see cref="Size"/>.</summary>
    public IReadOnlyList<ManifestRun> Runs { get; init; } = [];

    /// <summary>What the file system knew of it, in backups of kind files; null in others.</summary>
    public FileMetadata? Metadata { get; init; }
}
