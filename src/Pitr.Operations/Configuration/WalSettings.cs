namespace Pitr.Operations.Configuration;

/// <summary>The <c>wal</c> section of a PostgreSQL service.</summary>
/// <param name="CompressionLevel">zstd level, 1 to 19. Default 1.</param>
/// <param name="PushDeadline">How long one push may take, retries included, before PostgreSQL is told to ask again. Default 5 minutes.</param>
/// <param name="GetDeadline">How long one get asks before its answer is "unknown". Default 5 minutes.</param>
public sealed record WalSettings(int CompressionLevel, TimeSpan PushDeadline, TimeSpan GetDeadline)
{
    /// <summary>Whether and how WAL is streamed.</summary>
    public StreamSettings Stream { get; init; } = StreamSettings.Default;

    /// <summary>What applies when the configuration says nothing.</summary>
    public static WalSettings Default { get; } = new(1, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5));

    /// <summary>How many segments are fetched ahead for a recovery; 0 for none. Default 16.</summary>
    public int Prefetch { get; init; } = 16;

    /// <summary>How many bytes of segments may be fetched ahead for one recovery. Default 256 MiB.</summary>
    public long PrefetchSize { get; init; } = 256L << 20;
}
