using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>The body of an answer. Gives exactly as many bytes as were announced, or fails.</summary>
sealed class S3ReadStream(GetObjectResponse response, string key, S3Errors errors) : Stream
{
    readonly Stream _body = response.ResponseStream;
    readonly long _length = response.ContentLength;
    long _left = response.ContentLength;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return Advance(_body.Read(buffer), buffer.Length);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            throw Broken(failure);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return Advance(await _body.ReadAsync(buffer, cancellationToken), buffer.Length);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            throw Broken(failure);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            response.Dispose();
        }

        base.Dispose(disposing);
    }

    int Advance(int read, int wanted)
    {
        if (read == 0 && wanted > 0 && _left > 0)
        {
            throw new EndOfStreamException($"the answer ended {_left} bytes early");
        }

        _left -= read;
        return read;
    }

    StorageException Broken(Exception failure) => errors.From($"cannot read on, {_length - _left} of {_length} bytes in", key, failure);
}
