using System.Buffers;
using System.Security.Cryptography;
using Pitr.Format.Compression;
using Pitr.Format.Keys;

namespace Pitr.Format.Sealing;

/// <summary>
/// Seals what is written, of any length, onto another stream. The object is whole only after <see cref="Complete"/>: disposed without it, what
/// lies in the destination cannot be opened.
/// </summary>
public sealed class SealedObjectWriter : ForwardOnlyStream
{
    readonly Stream _destination;
    readonly bool _leaveOpen;
    readonly SealedObjectHeader _header;
    readonly ObjectCipher _cipher;
    readonly ZstdEncoder? _encoder;
    readonly int _chunkSize;

    // A full chunk waits here until it is known whether another follows.
    byte[]? _waiting;
    byte[]? _current;
    byte[]? _sealed;
    int _currentLength;
    bool _hasWaiting;
    bool _headerWritten;
    bool _frameEnded;
    bool _completed;
    long _chunkIndex;
    long _plaintextLength;

    /// <param name="destination">Receives the object, header first.</param>
    /// <param name="key">The data key that the header names.</param>
    /// <param name="header">A fresh header; if it gives a plaintext length, exactly that much must be written.</param>
    /// <param name="level">zstd level.</param>
    /// <param name="leaveOpen">Whether disposing leaves the destination open.</param>
    /// <exception cref="ArgumentException">The header is that of a pack or names another key.</exception>
    public SealedObjectWriter(Stream destination, DataKey key, SealedObjectHeader header, int level = 1, bool leaveOpen = true)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(header);
        if (header.Kind == SealedObjectKind.Pack || header.KeyId != key.Id)
        {
            throw new ArgumentException(
                header.KeyId != key.Id ? $"header names data key {header.KeyId}, the key given is {key.Id}" : "a pack is not sealed as a whole", nameof(header));
        }

        _destination = destination;
        _leaveOpen = leaveOpen;
        _header = header;
        _cipher = new ObjectCipher(key, header);
        _chunkSize = header.ChunkSize;
        _waiting = ArrayPool<byte>.Shared.Rent(_chunkSize);
        _current = ArrayPool<byte>.Shared.Rent(_chunkSize);
        _sealed = ArrayPool<byte>.Shared.Rent(_chunkSize + ObjectCipher.TagSize);
        if (header.Codec == SealedObjectCodec.Zstd)
        {
            _encoder = new ZstdEncoder(level, header.PlaintextLength == 0 ? -1 : header.PlaintextLength);
        }
    }

    public override bool CanWrite => _current is not null && !_completed;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        RequireWritable();
        WriteOut(TakeHeader());
        while (!buffer.IsEmpty)
        {
            WriteOut(Take(ref buffer));
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        RequireWritable();
        await WriteOutAsync(TakeHeader(), cancellationToken);
        while (!buffer.IsEmpty)
        {
            var span = buffer.Span;
            var output = Take(ref span);
            buffer = buffer[^span.Length..];
            await WriteOutAsync(output, cancellationToken);
        }
    }

    /// <summary>Seals the last chunk. Nothing can be written afterwards.</summary>
    /// <exception cref="InvalidOperationException">Less was written than the header says.</exception>
    public void Complete()
    {
        RequireComplete();
        WriteOut(TakeHeader());
        bool done;
        do
        {
            WriteOut(TakeEnd(out done));
        }
        while (!done);
        _completed = true;
    }

    /// <inheritdoc cref="Complete"/>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        RequireComplete();
        await WriteOutAsync(TakeHeader(), cancellationToken);
        bool done;
        do
        {
            await WriteOutAsync(TakeEnd(out done), cancellationToken);
        }
        while (!done);
        _completed = true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _current is not null)
        {
            Return(ref _waiting);
            Return(ref _current);
            Return(ref _sealed);
            _encoder?.Dispose();
            _cipher.Dispose();
            if (!_leaveOpen)
            {
                _destination.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    // Buffers held plaintext, so they go back to the shared pool wiped.
    static void Return(ref byte[]? buffer)
    {
        CryptographicOperations.ZeroMemory(buffer);
        ArrayPool<byte>.Shared.Return(buffer!);
        buffer = null;
    }

    ReadOnlyMemory<byte> TakeHeader()
    {
        if (_headerWritten)
        {
            return default;
        }

        _headerWritten = true;
        _cipher.Header.CopyTo(_sealed);
        return _sealed.AsMemory(0, SealedObjectHeader.Size);
    }

    // Takes from the front of the buffer, or returns a sealed chunk that must be written out first.
    ReadOnlyMemory<byte> Take(ref ReadOnlySpan<byte> buffer)
    {
        if (TryTakeWaiting(out var output))
        {
            return output;
        }

        MakeRoom();
        var room = _current.AsSpan(_currentLength, _chunkSize - _currentLength);
        int consumed;
        int written;
        if (_encoder is not null)
        {
            _encoder.Write(buffer, room, out consumed, out written);
        }
        else
        {
            consumed = written = Math.Min(buffer.Length, room.Length);
            buffer[..written].CopyTo(room);
        }

        _currentLength += written;
        _plaintextLength += consumed;
        if (_header.PlaintextLength != 0 && _plaintextLength > _header.PlaintextLength)
        {
            throw new InvalidOperationException($"more is written than the {_header.PlaintextLength} bytes the header says");
        }

        buffer = buffer[consumed..];
        return default;
    }

    ReadOnlyMemory<byte> TakeEnd(out bool done)
    {
        done = false;
        if (TryTakeWaiting(out var output))
        {
            return output;
        }

        if (_encoder is not null && !_frameEnded)
        {
            MakeRoom();
            _frameEnded = _encoder.Finish(_current.AsSpan(_currentLength, _chunkSize - _currentLength), out var written);
            _currentLength += written;
            return default;
        }

        done = true;
        return _hasWaiting ? Seal(_waiting.AsSpan(0, _chunkSize), isLast: true) : Seal(_current.AsSpan(0, _currentLength), isLast: true);
    }

    // The waiting chunk is not the last as soon as something follows it.
    bool TryTakeWaiting(out ReadOnlyMemory<byte> output)
    {
        output = default;
        if (!_hasWaiting || _currentLength == 0)
        {
            return false;
        }

        _hasWaiting = false;
        output = Seal(_waiting.AsSpan(0, _chunkSize), isLast: false);
        return true;
    }

    // To be called when nothing waits in front of a full chunk.
    void MakeRoom()
    {
        if (_currentLength == _chunkSize)
        {
            (_waiting, _current) = (_current, _waiting);
            _hasWaiting = true;
            _currentLength = 0;
        }
    }

    ReadOnlyMemory<byte> Seal(ReadOnlySpan<byte> chunk, bool isLast)
    {
        _cipher.SealChunk(_chunkIndex++, isLast, chunk, _sealed);
        return _sealed.AsMemory(0, chunk.Length + ObjectCipher.TagSize);
    }

    void WriteOut(ReadOnlyMemory<byte> output)
    {
        if (!output.IsEmpty)
        {
            _destination.Write(output.Span);
        }
    }

    ValueTask WriteOutAsync(ReadOnlyMemory<byte> output, CancellationToken cancellationToken) =>
        output.IsEmpty ? ValueTask.CompletedTask : _destination.WriteAsync(output, cancellationToken);

    void RequireWritable()
    {
        ObjectDisposedException.ThrowIf(_current is null, this);
        if (_completed)
        {
            throw new InvalidOperationException("the sealed object is already complete");
        }
    }

    void RequireComplete()
    {
        RequireWritable();
        if (_header.PlaintextLength != 0 && _plaintextLength != _header.PlaintextLength)
        {
            throw new InvalidOperationException($"{_plaintextLength} bytes were written, the header says {_header.PlaintextLength}");
        }
    }
}
