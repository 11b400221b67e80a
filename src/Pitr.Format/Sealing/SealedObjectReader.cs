using System.Buffers;
using System.Security.Cryptography;
using Pitr.Format.Compression;
using Pitr.Format.Keys;

namespace Pitr.Format.Sealing;

/// <summary>
/// Reads the plaintext of a sealed object of any length. Every byte returned is authentic, but only the final 0 says that the object is whole:
/// until then it may still turn out to be cut short.
/// </summary>
public sealed class SealedObjectReader : ForwardOnlyStream
{
    readonly Stream _source;
    readonly bool _leaveOpen;
    readonly SealedObjectHeader _header;
    readonly ObjectCipher _cipher;
    readonly ZstdDecoder? _decoder;
    readonly int _stride;

    // One sealed chunk, and one byte more that tells whether another follows.
    byte[]? _sealed;
    byte[]? _chunk;
    int _sealedLength;
    int _from;
    int _to;
    long _chunkIndex;
    long _plaintextLength;
    bool _lastChunkOpened;
    bool _ended;

    /// <param name="source">Positioned after the header (<see cref="ReadHeader"/>).</param>
    /// <param name="header">The header that was read.</param>
    /// <param name="key">The data key that the header names.</param>
    /// <param name="leaveOpen">Whether disposing leaves the source open.</param>
    /// <exception cref="DamagedObjectException">The header is that of a pack or names another key.</exception>
    public SealedObjectReader(Stream source, SealedObjectHeader header, DataKey key, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(key);
        SealedObject.RefusePack(header);
        _source = source;
        _leaveOpen = leaveOpen;
        _header = header;
        _cipher = new ObjectCipher(key, header);
        _decoder = header.Codec == SealedObjectCodec.Zstd ? new ZstdDecoder() : null;
        _stride = header.ChunkSize + ObjectCipher.TagSize;
        _sealed = ArrayPool<byte>.Shared.Rent(_stride + 1);
        _chunk = ArrayPool<byte>.Shared.Rent(header.ChunkSize);
    }

    public override bool CanRead => _chunk is not null;

    /// <summary>Reads the first 104 bytes of an object.</summary>
    /// <inheritdoc cref="SealedObjectHeader.Parse"/>
    public static SealedObjectHeader ReadHeader(Stream source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Span<byte> bytes = stackalloc byte[SealedObjectHeader.Size];
        var length = source.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return SealedObjectHeader.Parse(bytes[..length]);
    }

    /// <inheritdoc cref="ReadHeader"/>
    public static async Task<SealedObjectHeader> ReadHeaderAsync(Stream source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var bytes = new byte[SealedObjectHeader.Size];
        var length = await source.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        return SealedObjectHeader.Parse(bytes.AsSpan(0, length));
    }

    /// <exception cref="DamagedObjectException">The object is changed, cut short, continued, or not as long as its header says.</exception>
    public override int Read(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_chunk is null, this);
        while (!buffer.IsEmpty && !_ended)
        {
            if (NeedsChunk())
            {
                _sealedLength += _source.ReadAtLeast(Room(), Room().Length, throwOnEndOfStream: false);
                OpenChunk();
            }

            var count = Decode(buffer);
            if (count > 0)
            {
                return count;
            }
        }

        return 0;
    }

    /// <inheritdoc cref="Read(Span{byte})"/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_chunk is null, this);
        while (!buffer.IsEmpty && !_ended)
        {
            if (NeedsChunk())
            {
                var room = _sealed.AsMemory(_sealedLength, _stride + 1 - _sealedLength);
                _sealedLength += await _source.ReadAtLeastAsync(room, room.Length, throwOnEndOfStream: false, cancellationToken);
                OpenChunk();
            }

            var count = Decode(buffer.Span);
            if (count > 0)
            {
                return count;
            }
        }

        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _chunk is not null)
        {
            CryptographicOperations.ZeroMemory(_chunk);
            ArrayPool<byte>.Shared.Return(_chunk);
            ArrayPool<byte>.Shared.Return(_sealed!);
            _chunk = _sealed = null;
            _decoder?.Dispose();
            _cipher.Dispose();
            if (!_leaveOpen)
            {
                _source.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    bool NeedsChunk() => _from == _to && !_lastChunkOpened;

    Span<byte> Room() => _sealed.AsSpan(_sealedLength, _stride + 1 - _sealedLength);

    void OpenChunk()
    {
        var isLast = _sealedLength <= _stride;
        var length = Math.Min(_sealedLength, _stride);
        if (!_cipher.TryOpenChunk(_chunkIndex, isLast, _sealed.AsSpan(0, length), _chunk) || (_chunkIndex > 0 && length == ObjectCipher.TagSize))
        {
            throw SealedObject.Damaged(_chunkIndex, isLast);
        }

        _chunkIndex++;
        _from = 0;
        _to = length - ObjectCipher.TagSize;
        _lastChunkOpened = isLast;
        if (!isLast)
        {
            _sealed![0] = _sealed[_stride];
            _sealedLength = 1;
        }
    }

    int Decode(Span<byte> buffer)
    {
        var source = _chunk.AsSpan(_from, _to - _from);
        int consumed;
        int written;
        if (_decoder is null)
        {
            consumed = written = Math.Min(source.Length, buffer.Length);
            source[..written].CopyTo(buffer);
        }
        else if (_decoder.IsFinished && source.IsEmpty)
        {
            consumed = written = 0;
        }
        else
        {
            _decoder.Read(source, buffer, out consumed, out written);
        }

        _from += consumed;
        _plaintextLength += written;
        if (written == 0 && _lastChunkOpened && _from == _to)
        {
            if (_decoder is { IsFinished: false })
            {
                throw new DamagedObjectException("sealed object is damaged: its zstd frame is not whole");
            }

            SealedObject.RequireLength(_header, _plaintextLength);
            _ended = true;
        }

        return written;
    }
}
