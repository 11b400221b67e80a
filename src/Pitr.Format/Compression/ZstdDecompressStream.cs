using System.Buffers;

namespace Pitr.Format.Compression;

/// <summary>
/// Decompresses one zstd frame from another stream. Reading throws <see cref="DamagedObjectException"/> if the source ends before the frame or
/// continues after it.
/// </summary>
public sealed class ZstdDecompressStream : ForwardOnlyStream
{
    const int BufferSize = 128 << 10;

    readonly Stream _source;
    readonly bool _leaveOpen;
    readonly ZstdDecoder _decoder = new();
    byte[]? _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    int _from;
    int _to;
    bool _sourceEnded;

    public ZstdDecompressStream(Stream source, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        _source = source;
        _leaveOpen = leaveOpen;
    }

    public override bool CanRead => _buffer is not null;

    public override int Read(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        while (!buffer.IsEmpty)
        {
            if (NeedsInput())
            {
                TakeInput(_source.Read(_buffer, 0, BufferSize));
            }

            if (Decode(buffer) is { } count)
            {
                return count;
            }
        }

        return 0;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        while (!buffer.IsEmpty)
        {
            if (NeedsInput())
            {
                TakeInput(await _source.ReadAsync(_buffer.AsMemory(0, BufferSize), cancellationToken));
            }

            if (Decode(buffer.Span) is { } count)
            {
                return count;
            }
        }

        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _buffer is { } buffer)
        {
            _buffer = null;
            _decoder.Dispose();
            ArrayPool<byte>.Shared.Return(buffer);
            if (!_leaveOpen)
            {
                _source.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    bool NeedsInput() => _from == _to && !_sourceEnded;

    void TakeInput(int count)
    {
        _from = 0;
        _to = count;
        _sourceEnded = count == 0;
    }

    int? Decode(Span<byte> buffer)
    {
        if (_sourceEnded && _decoder.IsFinished)
        {
            return 0;
        }

        _decoder.Read(_buffer.AsSpan(_from, _to - _from), buffer, out var consumed, out var written);
        _from += consumed;
        if (written > 0)
        {
            return written;
        }

        if (_sourceEnded && !_decoder.IsFinished)
        {
            throw new DamagedObjectException("zstd stream ends before its frame does");
        }

        return null;
    }
}
