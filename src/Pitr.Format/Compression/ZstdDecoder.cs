namespace Pitr.Format.Compression;

/// <summary>Streaming decompression of exactly one frame, buffer to buffer.</summary>
sealed class ZstdDecoder : IDisposable
{
    readonly DecompressContextHandle _context = Zstd.CreateDecompressContext();

    /// <summary>The frame has ended; nothing may follow.</summary>
    public bool IsFinished { get; private set; }

    /// <exception cref="DamagedObjectException">The bytes are not a zstd frame, or something follows it.</exception>
    public unsafe void Read(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed, out int written)
    {
        if (IsFinished)
        {
            throw new DamagedObjectException("bytes follow the end of the zstd frame");
        }

        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            var input = new ZstdBuffer { Address = from, Size = (nuint)source.Length };
            var output = new ZstdBuffer { Address = to, Size = (nuint)destination.Length };
            var result = Zstd.DecompressStream(_context, &output, &input);
            if (Zstd.IsError(result) != 0)
            {
                throw new DamagedObjectException($"zstd stream cannot be decompressed: {Zstd.ErrorName(result)}");
            }

            IsFinished = result == 0;
            consumed = (int)input.Position;
            written = (int)output.Position;
        }
    }

    public void Dispose() => _context.Dispose();
}
