namespace Pitr.Format.Compression;

/// <summary>Streaming compression into one frame, buffer to buffer.</summary>
sealed class ZstdEncoder : IDisposable
{
    // ZSTD_c_compressionLevel, ZSTD_e_continue and ZSTD_e_end of zstd.h.
    const int CompressionLevel = 100;
    const int Continue = 0;
    const int End = 2;

    readonly CompressContextHandle _context;

    /// <param name="level">Compression level.</param>
    /// <param name="contentSize">Exact number of bytes that will come, recorded in the frame; -1 if unknown.</param>
    public ZstdEncoder(int level, long contentSize)
    {
        _context = Zstd.CreateCompressContext();
        Zstd.Check(Zstd.SetCompressParameter(_context, CompressionLevel, level));
        if (contentSize >= 0)
        {
            Zstd.Check(Zstd.SetPledgedSourceSize(_context, (ulong)contentSize));
        }
    }

    public void Write(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed, out int written) =>
        Run(source, destination, Continue, out consumed, out written);

    /// <summary>Ends the frame; to be called with fresh room until it returns true.</summary>
    public bool Finish(Span<byte> destination, out int written) => Run(default, destination, End, out _, out written) == 0;

    public void Dispose() => _context.Dispose();

    unsafe nuint Run(ReadOnlySpan<byte> source, Span<byte> destination, int directive, out int consumed, out int written)
    {
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            var input = new ZstdBuffer { Address = from, Size = (nuint)source.Length };
            var output = new ZstdBuffer { Address = to, Size = (nuint)destination.Length };
            var result = Zstd.CompressStream(_context, &output, &input, directive);
            Zstd.Check(result);
            consumed = (int)input.Position;
            written = (int)output.Position;
            return result;
        }
    }
}
