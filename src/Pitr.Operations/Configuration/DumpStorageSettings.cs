namespace Pitr.Operations.Configuration;

/// <summary>The <c>backup</c> section of a service whose backups are dumps.</summary>
/// <param name="CompressionLevel">zstd level, 1 to 19. Default 1.</param>
/// <param name="PartSize">Stored size, in bytes, at which a part is closed and put; 1 MiB to 256 MiB. Two are in memory. Default 32 MiB.</param>
public sealed record DumpStorageSettings(int CompressionLevel, long PartSize)
{
    /// <summary>What applies when the configuration says nothing.</summary>
    public static DumpStorageSettings Default { get; } = new(1, 32L * 1024 * 1024);
}
