using System.Buffers;

namespace Pitr.Format.Compression;

/// <summary>Compresses what is written into one zstd frame on another stream. The frame is whole only after <see cref="Complete"/>.</summary>
public sealed class ZstdCompressStream : ForwardOnlyStream
{
    const int BufferSize = 128 << 10;

    readonly Stream _destination;
    readonly bool _leaveOpen;
    readonly ZstdEncoder _encoder;
    byte[]? _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    bool _completed;

    /// <param name="destination">Receives the frame.</param>
    /// <param name="level">Compression level.</param>
    /// <param name="contentSize">Exact number of bytes that will be written, recorded in the frame; -1 if unknown.</param>
    /// <param name="leaveOpen">Whether disposing leaves the destination open.</param>
    public ZstdCompressStream(Stream destination, int level = 1, long contentSize = -1, bool leaveOpen = true)
    {
        ArgumentNullException.ThrowIfNull(destination);
        _destination = destination;
        _leaveOpen = leaveOpen;
        _encoder = new ZstdEncoder(level, contentSize);
    }

    public override bool CanWrite => !_completed;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var output = Output();
        while (!buffer.IsEmpty)
        {
            _encoder.Write(buffer, output, out var consumed, out var written);
            _destination.Write(output, 0, written);
            buffer = buffer[consumed..];
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var output = Output();
        while (!buffer.IsEmpty)
        {
            _encoder.Write(buffer.Span, output, out var consumed, out var written);
            await _destination.WriteAsync(output.AsMemory(0, written), cancellationToken);
            buffer = buffer[consumed..];
        }
    }

    /// <summary>Ends the frame. Nothing can be written afterwards.</summary>
    public void Complete()
    {
        var output = Output();
        bool done;
        do
        {
            done = _encoder.Finish(output, out var written);
            _destination.Write(output, 0, written);
        }
        while (!done);
        _completed = true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _buffer is { } buffer)
        {
            _buffer = null;
            _encoder.Dispose();
            ArrayPool<byte>.Shared.Return(buffer);
            if (!_leaveOpen)
            {
                _destination.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    byte[] Output()
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        return _completed ? throw new InvalidOperationException("the zstd frame is already complete") : _buffer;
    }
}
