namespace Pitr.Operations.Configuration;

/// <summary>The <c>backup</c> section of a PostgreSQL service.</summary>
/// <param name="Method">How the files are read.</param>
/// <param name="CompressionLevel">zstd level, 1 to 19. Default 1.</param>
/// <param name="Jobs">How many packs are compressed and stored at the same time, 1 to 256. Default: the number of processors.</param>
public sealed record BackupSettings(BackupMethod Method, int CompressionLevel, int Jobs)
{
    /// <summary>The methods as they are written.</summary>
    internal static ChoiceWords<BackupMethod> Methods { get; } = new(("auto", BackupMethod.Auto), ("direct", BackupMethod.Direct), ("stream", BackupMethod.Stream));

    /// <summary>What applies when the configuration says nothing.</summary>
    public static BackupSettings Default { get; } = new(BackupMethod.Auto, 1, Math.Clamp(Environment.ProcessorCount, 1, MaximumJobs));

    /// <summary>Stored size, in bytes, at which a pack is closed and put; 1 MiB to 256 MiB. Each job holds one in memory. Default 32 MiB.</summary>
    public long PackSize { get; init; } = 32L * 1024 * 1024;

    /// <summary>How long the server may take to archive the WAL that a finished backup needs. Default 15 minutes.</summary>
    public TimeSpan WalDeadline { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Largest part of a pack, in percent of its content, that may be dead in a backup; 0 to 95. What lives in a pack with more is copied once more by the next one. Default 30.</summary>
    public int DeadSpace { get; init; } = 30;

    /// <summary>Most bytes of the cluster to read per second, 1000 or more; null where nothing limits it.</summary>
    public long? Limit { get; init; }

    internal const int MaximumJobs = 256;
}
