using System.Net;
using System.Text;

namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>A snapshot as the only file of a form (RFC 7578), written as it comes.</summary>
sealed class SnapshotUpload : HttpContent
{
    readonly byte[] _before;
    readonly byte[] _after;
    readonly long _length;
    readonly Func<Stream, Task> _copy;

    /// <param name="length">Length of the snapshot in bytes.</param>
    /// <param name="copy">Writes it.</param>
    public SnapshotUpload(long length, Func<Stream, Task> copy)
    {
        var boundary = $"pitr-{Guid.NewGuid():N}";
        _before = Encoding.ASCII.GetBytes(
            $"--{boundary}\r\nContent-Disposition: form-data; name=\"snapshot\"; filename=\"pitr.snapshot\"\r\nContent-Type: application/octet-stream\r\n\r\n");
        _after = Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n");
        (_length, _copy) = (length, copy);
        Headers.TryAddWithoutValidation("Content-Type", $"multipart/form-data; boundary={boundary}");
    }

    /// <summary>Why it could not be read, where it was not the server that stopped taking it.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether all of it may have gone.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>Whether the server has said what became of it.</summary>
    public bool IsAnswered { get; set; }

    /// <summary>Told whenever some of it has gone.</summary>
    public Action Sent { get; set; } = () => { };

    /// <inheritdoc/>
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(_before);
        try
        {
            await _copy(new Told(stream, this));
        }
        catch (Exception e) when (e is not IOException)
        {
            Failure = e;
            throw;
        }

        IsWhole = true;
        await stream.WriteAsync(_after);
    }

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = _before.Length + _length + _after.Length;
        return true;
    }

    sealed class Told(Stream destination, SnapshotUpload upload) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await destination.WriteAsync(buffer, cancellationToken);
            upload.Sent();
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
            // What is written goes at once.
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
