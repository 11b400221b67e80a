using System.Runtime.InteropServices;

namespace Pitr.Format.Compression;

/// <summary>
/// Zstandard frames (RFC 8878) through libzstd 1.4 or newer; zstd_manual.html of libzstd documents every call. One context per thread and
/// direction is kept, because making one costs more than compressing a small piece.
/// </summary>
public static partial class Zstd
{
    const string Library = "libzstd.so.1";
    const ulong ContentSizeUnknown = ulong.MaxValue;
    const ulong ContentSizeError = ulong.MaxValue - 1;

    [ThreadStatic]
    static CompressContextHandle? t_compressContext;

    [ThreadStatic]
    static DecompressContextHandle? t_decompressContext;

    /// <summary>Most bytes that <paramref name="length"/> bytes can become, however incompressible.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or so long that the bound exceeds <see cref="int.MaxValue"/>.</exception>
    public static int CompressBound(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        // ZSTD_COMPRESSBOUND() of zstd.h, here in C# as it is asked for every record.
        var bound = (long)length + (length >> 8) + (length < (128 << 10) ? ((128 << 10) - length) >> 11 : 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bound, int.MaxValue, nameof(length));
        return (int)bound;
    }

    /// <summary>Compresses into one frame that records its content size.</summary>
    /// <param name="source">What to compress; may be empty.</param>
    /// <param name="destination">At least <see cref="CompressBound"/> bytes.</param>
    /// <param name="level">Compression level, 1 to 19; 1 is fast.</param>
    /// <returns>Length of the frame.</returns>
    /// <exception cref="ArgumentException">The destination is too small.</exception>
    public static unsafe int Compress(ReadOnlySpan<byte> source, Span<byte> destination, int level)
    {
        var context = t_compressContext ??= CreateCompressContext();
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            return FrameLength(CompressCCtx(context, to, (nuint)destination.Length, from, (nuint)source.Length, level), source.Length, destination);
        }
    }

    /// <summary>As <see cref="Compress(ReadOnlySpan{byte}, Span{byte}, int)"/>, with the parameters of a context.</summary>
    /// <inheritdoc cref="Compress(ReadOnlySpan{byte}, Span{byte}, int)"/>
    internal static unsafe int Compress(CompressContextHandle context, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            return FrameLength(Compress2(context, to, (nuint)destination.Length, from, (nuint)source.Length), source.Length, destination);
        }
    }

    static int FrameLength(nuint result, int length, ReadOnlySpan<byte> destination) => IsError(result) == 0
        ? (int)result
        : throw new ArgumentException($"zstd cannot compress {length} bytes into {destination.Length}: {ErrorName(result)}", nameof(destination));

    /// <summary>Decompresses exactly one frame.</summary>
    /// <returns>Bytes written to <paramref name="destination"/>.</returns>
    /// <exception cref="DamagedObjectException">Not one whole frame, or its content does not fit the destination.</exception>
    public static unsafe int Decompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var context = t_decompressContext ??= CreateDecompressContext();
        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            var frame = FindFrameCompressedSize(from, (nuint)source.Length);
            if (IsError(frame) != 0)
            {
                throw new DamagedObjectException($"not a whole zstd frame: {ErrorName(frame)}");
            }

            if (frame != (nuint)source.Length)
            {
                throw new DamagedObjectException($"zstd frame of {frame} bytes is followed by {(nuint)source.Length - frame} more");
            }

            // An empty destination still needs an address, because libzstd refuses null even for nothing.
            byte nothing;
            var result = DecompressDCtx(context, to == null ? &nothing : to, (nuint)destination.Length, from, (nuint)source.Length);
            if (IsError(result) != 0)
            {
                throw new DamagedObjectException($"zstd frame cannot be decompressed: {ErrorName(result)}");
            }

            return (int)result;
        }
    }

    /// <summary>Content size a frame declares in its header, or -1 if it does not.</summary>
    /// <exception cref="DamagedObjectException">Not the beginning of a zstd frame.</exception>
    public static unsafe long FrameContentSize(ReadOnlySpan<byte> source)
    {
        fixed (byte* from = source)
        {
            var size = GetFrameContentSize(from, (nuint)source.Length);
            return size switch
            {
                ContentSizeUnknown => -1,
                ContentSizeError => throw new DamagedObjectException("not a zstd frame"),
                > long.MaxValue => throw new DamagedObjectException($"zstd frame declares an impossible content size of {size} bytes"),
                _ => (long)size,
            };
        }
    }

    internal static CompressContextHandle CreateCompressContext()
    {
        var handle = CreateCCtx();
        return handle.IsInvalid ? throw new InvalidOperationException("zstd could not allocate a compression context") : handle;
    }

    internal static DecompressContextHandle CreateDecompressContext()
    {
        var handle = CreateDCtx();
        return handle.IsInvalid ? throw new InvalidOperationException("zstd could not allocate a decompression context") : handle;
    }

    internal static void Check(nuint result)
    {
        if (IsError(result) != 0)
        {
            throw new InvalidOperationException($"zstd compression failed: {ErrorName(result)}");
        }
    }

    internal static string ErrorName(nuint code) => Marshal.PtrToStringUTF8(GetErrorName(code)) ?? "unknown error";

    [LibraryImport(Library, EntryPoint = "ZSTD_compressCCtx")]
    private static unsafe partial nuint CompressCCtx(
        CompressContextHandle context, byte* destination, nuint capacity, byte* source, nuint length, int level);

    [LibraryImport(Library, EntryPoint = "ZSTD_compress2")]
    private static unsafe partial nuint Compress2(CompressContextHandle context, byte* destination, nuint capacity, byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressDCtx")]
    private static unsafe partial nuint DecompressDCtx(DecompressContextHandle context, byte* destination, nuint capacity, byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_findFrameCompressedSize")]
    private static unsafe partial nuint FindFrameCompressedSize(byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_getFrameContentSize")]
    private static unsafe partial ulong GetFrameContentSize(byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_compressStream2")]
    internal static unsafe partial nuint CompressStream(CompressContextHandle context, ZstdBuffer* output, ZstdBuffer* input, int endDirective);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressStream")]
    internal static unsafe partial nuint DecompressStream(DecompressContextHandle context, ZstdBuffer* output, ZstdBuffer* input);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setParameter")]
    internal static partial nuint SetCompressParameter(CompressContextHandle context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setPledgedSrcSize")]
    internal static partial nuint SetPledgedSourceSize(CompressContextHandle context, ulong size);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    [SuppressGCTransition]
    internal static partial uint IsError(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint GetErrorName(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx")]
    private static partial CompressContextHandle CreateCCtx();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeCCtx")]
    internal static partial nuint FreeCCtx(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    private static partial DecompressContextHandle CreateDCtx();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    internal static partial nuint FreeDCtx(nint context);
}
