namespace Pitr.Format.Manifests;

/// <summary>A file, directory or link of a backup.</summary>
public sealed record ManifestEntry
{
    /// <summary>Relative to the data directory, parts separated by slashes (<see cref="ManifestPath"/>).</summary>
    public required string Path { get; init; }

    public required ManifestEntryKind Kind { get; init; }

    /// <summary>Bytes; 0 for directories and links.</summary>
    public long Size { get; init; }

    /// <summary>Permission bits, 0 to 07777.</summary>
    public int Mode { get; init; }

    public DateTimeOffset Modified { get; init; }

    /// <summary>Where a link points; only for links.</summary>
    public string? Target { get; init; }

    /// <summary>Content of a file, in order; the lengths add up to <see cref="Size"/>.</summary>
    public IReadOnlyList<ManifestRun> Runs { get; init; } = [];
}
