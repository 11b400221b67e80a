using System.Buffers;
using Pitr.Format.Compression;
using Pitr.Format.Keys;
using Pitr.Format.Sealing;

namespace Pitr.Format.Packs;

/// <summary>Opens records of a pack, in any order, from its header and their stored bytes. For one thread at a time.</summary>
public sealed class PackReader : IDisposable
{
    readonly ObjectCipher _cipher;
    readonly SealedObjectCodec _codec;

    /// <param name="header">The first 104 bytes of the pack.</param>
    /// <param name="key">The data key that the header names.</param>
    /// <exception cref="DamagedObjectException">Not the header of a pack, or of one sealed with another data key.</exception>
    /// <exception cref="UnsupportedFormatException">Unknown version, codec or kind.</exception>
    public PackReader(ReadOnlySpan<byte> header, DataKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var parsed = SealedObjectHeader.Parse(header);
        parsed.RequireKind(SealedObjectKind.Pack);
        _codec = parsed.Codec;
        _cipher = new ObjectCipher(key, parsed);
    }

    /// <summary>The salt in the first 104 bytes of a pack, as <see cref="Manifests.ManifestPack.Salt"/> has it.</summary>
    /// <exception cref="DamagedObjectException">Not the header of a pack.</exception>
    /// <exception cref="UnsupportedFormatException">Unknown version, codec or kind.</exception>
    public static string SaltOf(ReadOnlySpan<byte> header)
    {
        var parsed = SealedObjectHeader.Parse(header);
        parsed.RequireKind(SealedObjectKind.Pack);
        return Convert.ToHexStringLower(parsed.Salt);
    }

    /// <summary>Opens one record into the destination.</summary>
    /// <param name="recordIndex">Position among the pack's records, from 0.</param>
    /// <param name="stored">The record's bytes as they lie in the pack.</param>
    /// <param name="destination">Room for the whole record.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="DamagedObjectException">The record is changed, cut, not the one named, or larger than the destination; the message gives its index.</exception>
    public int Decode(int recordIndex, ReadOnlySpan<byte> stored, Span<byte> destination)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(1, stored.Length));
        try
        {
            var content = Open(recordIndex, stored, buffer);
            var length = Length(recordIndex, content);
            if (length > destination.Length)
            {
                throw new DamagedObjectException($"pack record {recordIndex} holds {length} bytes, more than the {destination.Length} expected");
            }

            Decompress(recordIndex, content, destination[..length]);
            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Opens one record of any size into a pooled buffer, to be disposed by the caller.</summary>
    /// <inheritdoc cref="Decode(int, ReadOnlySpan{byte}, Span{byte})"/>
    public PooledBytes Decode(int recordIndex, ReadOnlySpan<byte> stored)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(1, stored.Length));
        byte[]? plaintext = null;
        try
        {
            var content = Open(recordIndex, stored, buffer);
            var length = Length(recordIndex, content);
            plaintext = ArrayPool<byte>.Shared.Rent(Math.Max(1, length));
            Decompress(recordIndex, content, plaintext.AsSpan(0, length));
            var result = new PooledBytes(plaintext, length);
            plaintext = null;
            return result;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            if (plaintext is not null)
            {
                ArrayPool<byte>.Shared.Return(plaintext);
            }
        }
    }

    public void Dispose() => _cipher.Dispose();

    ReadOnlySpan<byte> Open(int recordIndex, ReadOnlySpan<byte> stored, byte[] buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(recordIndex);
        if (!_cipher.TryOpenRecord(recordIndex, stored, buffer))
        {
            throw new DamagedObjectException($"pack record {recordIndex} is damaged: it does not authenticate (changed, cut, another record, or sealed with another key)");
        }

        return buffer.AsSpan(0, stored.Length - ObjectCipher.TagSize);
    }

    int Length(int recordIndex, ReadOnlySpan<byte> content)
    {
        var length = _codec == SealedObjectCodec.None ? content.Length : Zstd.FrameContentSize(content);
        return length is >= 0 and <= PackWriter.MaximumRecordLength
            ? (int)length
            : throw new DamagedObjectException($"pack record {recordIndex} is damaged: it declares {length} bytes, at most {PackWriter.MaximumRecordLength} are possible");
    }

    void Decompress(int recordIndex, ReadOnlySpan<byte> content, Span<byte> destination)
    {
        if (_codec == SealedObjectCodec.None)
        {
            content.CopyTo(destination);
        }
        else if (Zstd.Decompress(content, destination) != destination.Length)
        {
            throw new DamagedObjectException($"pack record {recordIndex} is damaged: it is shorter than it declares");
        }
    }
}
