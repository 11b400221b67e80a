namespace Pitr.Format.Compression;

/// <summary>
/// Compresses whole WAL segments at level 1, with the parameters that a sample says are better: zstd's own for that level, or ones that find the
/// short repetitions of small transactions and step over the rest faster. See docs/decisions/0032.
/// </summary>
static class FastCompression
{
    // ZSTD_cParameter of zstd.h.
    const int CompressionLevel = 100;
    const int WindowLog = 101;
    const int HashLog = 102;
    const int MinMatch = 105;
    const int TargetLength = 106;

    const int Level = 1;
    const int SampleLength = 256 * 1024;

    // The sample is compressed twice; below this that would cost more than it can gain.
    const int Shortest = 4 * 1024 * 1024;

    [ThreadStatic]
    static CompressContextHandle? t_context;

    /// <inheritdoc cref="Zstd.Compress"/>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> destination, int level) =>
        level == Level && source.Length >= Shortest && PrefersShortMatches(source.Slice(source.Length / 2, SampleLength), destination)
            ? Zstd.Compress(ShortMatches(), source, destination)
            : Zstd.Compress(source, destination, level);

    /// <summary>Whether the parameters for short repetitions make a sample no larger. They are faster in any case.</summary>
    /// <param name="sample">From the middle: a segment often begins with the rest of something else.</param>
    /// <param name="scratch">Overwritten.</param>
    internal static bool PrefersShortMatches(ReadOnlySpan<byte> sample, Span<byte> scratch) =>
        Zstd.Compress(ShortMatches(), sample, scratch) <= Zstd.Compress(sample, scratch, Level);

    static CompressContextHandle ShortMatches()
    {
        if (t_context is not null)
        {
            return t_context;
        }

        var context = Zstd.CreateCompressContext();
        foreach (var (parameter, value) in ((int, int)[])[(CompressionLevel, Level), (WindowLog, 20), (HashLog, 13), (MinMatch, 5), (TargetLength, 1)])
        {
            Zstd.Check(Zstd.SetCompressParameter(context, parameter, value));
        }

        return t_context = context;
    }
}
