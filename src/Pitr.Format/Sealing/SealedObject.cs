using System.Buffers;
using Pitr.Format.Compression;
using Pitr.Format.Keys;

namespace Pitr.Format.Sealing;

/// <summary>Sealing and opening in one call, for content that is in memory as a whole (at most 1 GiB).</summary>
public static class SealedObject
{
    const int MaximumLength = 1 << 30;

    /// <param name="plaintext">Content, at most 1 GiB.</param>
    /// <param name="key">The data key that the header names.</param>
    /// <param name="header">A fresh header (<see cref="SealedObjectHeader.Create"/>); a plaintext length of 0 is replaced by the real one.</param>
    /// <param name="level">zstd level.</param>
    /// <returns>The whole object.</returns>
    /// <exception cref="ArgumentException">The header disagrees with the content or the key, or is that of a pack.</exception>
    public static byte[] Seal(ReadOnlySpan<byte> plaintext, DataKey key, SealedObjectHeader header, int level = 1) =>
        Seal(plaintext, key, header, level, pooled: false, out _);

    /// <summary>As <see cref="Seal(ReadOnlySpan{byte}, DataKey, SealedObjectHeader, int)"/>, but into a pooled buffer, to be disposed by the caller.</summary>
    /// <inheritdoc cref="Seal(ReadOnlySpan{byte}, DataKey, SealedObjectHeader, int)"/>
    public static PooledBytes SealPooled(ReadOnlySpan<byte> plaintext, DataKey key, SealedObjectHeader header, int level = 1)
    {
        var bytes = Seal(plaintext, key, header, level, pooled: true, out var length);
        return new PooledBytes(bytes, length);
    }

    /// <summary>Room that <see cref="SealInto"/> needs for content of this length, in bytes.</summary>
    public static int SealBound(int length)
    {
        var content = Zstd.CompressBound(length);
        return checked(SealedObjectHeader.Size + content + (Chunks(content, 1 << SealedObjectHeader.DefaultChunkSizeLog2) * ObjectCipher.TagSize));
    }

    /// <summary>
    /// As <see cref="Seal(ReadOnlySpan{byte}, DataKey, SealedObjectHeader, int)"/>, but into memory of the caller's, which needs no room
    /// beside it: compressed into its end, sealed from there to its beginning.
    /// </summary>
    /// <param name="destination">At least <see cref="SealBound"/> bytes.</param>
    /// <returns>Length of the object at the beginning of the destination.</returns>
    /// <inheritdoc cref="Seal(ReadOnlySpan{byte}, DataKey, SealedObjectHeader, int)"/>
    public static int SealInto(ReadOnlySpan<byte> plaintext, DataKey key, SealedObjectHeader header, int level, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(key);
        header = Checked(plaintext.Length, key, header);
        var bound = Zstd.CompressBound(plaintext.Length);
        if (header.Codec != SealedObjectCodec.Zstd || destination.Length - bound < SealedObjectHeader.Size + (Chunks(bound, header.ChunkSize) * ObjectCipher.TagSize))
        {
            throw new ArgumentException("a header without compression, or a destination that is too small", nameof(destination));
        }

        // Sealing never overtakes what it reads, because there is room for the header and every tag in front of it.
        var content = destination[^bound..];
        content = content[..FastCompression.Compress(plaintext, content, level)];
        using var cipher = new ObjectCipher(key, header);
        var chunks = Chunks(content.Length, header.ChunkSize);
        var length = SealedObjectHeader.Size + content.Length + (chunks * ObjectCipher.TagSize);
        cipher.Header.CopyTo(destination);
        destination = destination[SealedObjectHeader.Size..];
        // OpenSSL wants its input and output to be the same memory or not to touch.
        var chunkCopy = ArrayPool<byte>.Shared.Rent(header.ChunkSize);
        for (var i = 0; i < chunks; i++)
        {
            var chunk = chunkCopy.AsSpan(0, Math.Min(content.Length, header.ChunkSize));
            content[..chunk.Length].CopyTo(chunk);
            cipher.SealChunk(i, isLast: i == chunks - 1, chunk, destination);
            content = content[chunk.Length..];
            destination = destination[(chunk.Length + ObjectCipher.TagSize)..];
        }

        ArrayPool<byte>.Shared.Return(chunkCopy);
        return length;
    }

    /// <summary>Opens a whole object; nothing is returned unless all of it is authentic.</summary>
    /// <exception cref="DamagedObjectException">A byte is wrong, missing or too many; or the object was sealed with another key.</exception>
    /// <exception cref="UnsupportedFormatException">Unknown version, codec or kind.</exception>
    public static byte[] Open(ReadOnlySpan<byte> sealedBytes, DataKey key) => Open(sealedBytes, key, pooled: false, out _);

    /// <summary>As <see cref="Open(ReadOnlySpan{byte}, DataKey)"/>, but into a pooled buffer, to be disposed by the caller.</summary>
    /// <inheritdoc cref="Open(ReadOnlySpan{byte}, DataKey)"/>
    public static PooledBytes OpenPooled(ReadOnlySpan<byte> sealedBytes, DataKey key)
    {
        var bytes = Open(sealedBytes, key, pooled: true, out var length);
        return new PooledBytes(bytes, length);
    }

    /// <param name="header">At least 104 bytes.</param>
    /// <inheritdoc cref="SealedObjectHeader.Parse"/>
    public static DataKeyId ReadKeyId(ReadOnlySpan<byte> header) => SealedObjectHeader.Parse(header).KeyId;

    internal static void RefusePack(SealedObjectHeader header)
    {
        if (header.Kind == SealedObjectKind.Pack)
        {
            throw new DamagedObjectException("sealed object is a pack, whose records are opened one by one");
        }
    }

    internal static void RequireLength(SealedObjectHeader header, long length)
    {
        if (header.PlaintextLength != 0 && header.PlaintextLength != length)
        {
            throw new DamagedObjectException($"sealed object holds {length} bytes, its header says {header.PlaintextLength}");
        }
    }

    static byte[] Seal(ReadOnlySpan<byte> plaintext, DataKey key, SealedObjectHeader header, int level, bool pooled, out int length)
    {
        ArgumentNullException.ThrowIfNull(key);
        header = Checked(plaintext.Length, key, header);
        if (header.Codec == SealedObjectCodec.None)
        {
            return SealContent(plaintext, key, header, pooled, out length);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(Zstd.CompressBound(plaintext.Length));
        try
        {
            return SealContent(buffer.AsSpan(0, Zstd.Compress(plaintext, buffer, level)), key, header, pooled, out length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    static byte[] Open(ReadOnlySpan<byte> sealedBytes, DataKey key, bool pooled, out int length)
    {
        ArgumentNullException.ThrowIfNull(key);
        var header = SealedObjectHeader.Parse(sealedBytes);
        RefusePack(header);
        var content = sealedBytes[SealedObjectHeader.Size..];
        length = ContentLength(content.Length, header);
        var buffer = Allocate(length, pooled || header.Codec != SealedObjectCodec.None);
        var keep = false;
        try
        {
            OpenContent(content, key, header, buffer);
            if (header.Codec != SealedObjectCodec.None)
            {
                return Decompress(buffer.AsSpan(0, length), header, pooled, out length);
            }

            RequireLength(header, length);
            keep = true;
            return buffer;
        }
        finally
        {
            if (!keep && (pooled || header.Codec != SealedObjectCodec.None))
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    static byte[] Allocate(int length, bool pooled) =>
        pooled ? ArrayPool<byte>.Shared.Rent(Math.Max(1, length)) : GC.AllocateUninitializedArray<byte>(length);

    static SealedObjectHeader Checked(int length, DataKey key, SealedObjectHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (length > MaximumLength)
        {
            throw new ArgumentException(
                $"content of {length} bytes is too long to be sealed in one call; use {nameof(SealedObjectWriter)}",
                nameof(length));
        }

        if (header.Kind == SealedObjectKind.Pack)
        {
            throw new ArgumentException("a pack is not sealed as a whole", nameof(header));
        }

        if (header.KeyId != key.Id)
        {
            throw new ArgumentException($"header names data key {header.KeyId}, the key given is {key.Id}", nameof(header));
        }

        if (header.PlaintextLength != 0 && header.PlaintextLength != length)
        {
            throw new ArgumentException(
                $"header gives a plaintext length of {header.PlaintextLength} bytes, the content has {length}",
                nameof(header));
        }

        return header.PlaintextLength == length ? header : header with { PlaintextLength = length };
    }

    static int Chunks(int contentLength, int chunkSize) => Math.Max(1, ((contentLength - 1) / chunkSize) + 1);

    static byte[] SealContent(ReadOnlySpan<byte> content, DataKey key, SealedObjectHeader header, bool pooled, out int length)
    {
        using var cipher = new ObjectCipher(key, header);
        var chunkSize = header.ChunkSize;
        var chunks = Chunks(content.Length, chunkSize);
        length = checked(SealedObjectHeader.Size + content.Length + (chunks * ObjectCipher.TagSize));
        var result = Allocate(length, pooled);
        cipher.Header.CopyTo(result);
        var destination = result.AsSpan(SealedObjectHeader.Size);
        for (var i = 0; i < chunks; i++)
        {
            var isLast = i == chunks - 1;
            var chunk = isLast ? content : content[..chunkSize];
            cipher.SealChunk(i, isLast, chunk, destination);
            content = content[chunk.Length..];
            destination = destination[(chunk.Length + ObjectCipher.TagSize)..];
        }

        return result;
    }

    static int ContentLength(int sealedLength, SealedObjectHeader header)
    {
        var stride = header.ChunkSize + ObjectCipher.TagSize;
        var chunks = Math.Max(1, ((sealedLength - 1) / stride) + 1);
        var last = sealedLength - ((chunks - 1) * stride);
        if (last < ObjectCipher.TagSize)
        {
            throw Damaged(chunks - 1, isLast: true);
        }

        return sealedLength - (chunks * ObjectCipher.TagSize);
    }

    static void OpenContent(ReadOnlySpan<byte> source, DataKey key, SealedObjectHeader header, Span<byte> destination)
    {
        using var cipher = new ObjectCipher(key, header);
        var stride = header.ChunkSize + ObjectCipher.TagSize;
        for (long i = 0; ; i++)
        {
            var isLast = source.Length <= stride;
            var chunk = isLast ? source : source[..stride];
            if (!cipher.TryOpenChunk(i, isLast, chunk, destination) || (i > 0 && chunk.Length == ObjectCipher.TagSize))
            {
                throw Damaged(i, isLast);
            }

            if (isLast)
            {
                return;
            }

            source = source[stride..];
            destination = destination[header.ChunkSize..];
        }
    }

    internal static DamagedObjectException Damaged(long chunk, bool isLast) =>
        new($"sealed object is damaged: {(isLast ? "its last chunk" : "chunk")} {chunk} does not authenticate (changed, cut short, or sealed with another key)");

    static byte[] Decompress(ReadOnlySpan<byte> frame, SealedObjectHeader header, bool pooled, out int length)
    {
        var declared = Zstd.FrameContentSize(frame);
        if (declared < 0 && header.PlaintextLength == 0)
        {
            return DecompressUnknown(frame, pooled, out length);
        }

        declared = declared < 0 ? header.PlaintextLength : declared;
        RequireLength(header, declared);
        if (declared > MaximumLength)
        {
            throw new DamagedObjectException($"sealed object holds {declared} bytes, more than are opened in one call");
        }

        length = (int)declared;
        var plaintext = Allocate(length, pooled);
        var decompressed = -1;
        try
        {
            decompressed = Zstd.Decompress(frame, plaintext.AsSpan(0, length));
            return decompressed == length
                ? plaintext
                : throw new DamagedObjectException($"sealed object holds {decompressed} bytes, its header says {length}");
        }
        finally
        {
            if (pooled && decompressed != length)
            {
                ArrayPool<byte>.Shared.Return(plaintext);
            }
        }
    }

    // Neither the header nor the frame knows the length.
    static byte[] DecompressUnknown(ReadOnlySpan<byte> frame, bool pooled, out int length)
    {
        using var decoder = new ZstdDecoder();
        var plaintext = new ArrayBufferWriter<byte>();
        while (true)
        {
            decoder.Read(frame, plaintext.GetSpan(1 << 16), out var consumed, out var written);
            plaintext.Advance(written);
            frame = frame[consumed..];
            if (decoder.IsFinished)
            {
                break;
            }

            if (frame.IsEmpty && written == 0)
            {
                throw new DamagedObjectException("sealed object is damaged: its zstd frame is not whole");
            }

            if (plaintext.WrittenCount > MaximumLength)
            {
                throw new DamagedObjectException("sealed object holds more bytes than are opened in one call");
            }
        }

        if (!frame.IsEmpty)
        {
            throw new DamagedObjectException("sealed object is damaged: bytes follow its zstd frame");
        }

        length = plaintext.WrittenCount;
        var result = Allocate(length, pooled);
        plaintext.WrittenSpan.CopyTo(result);
        return result;
    }
}
