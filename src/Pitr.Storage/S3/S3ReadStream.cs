using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>The body of an answer. Gives exactly as many bytes as were announced, or fails.</summary>
sealed class S3ReadStream(GetObjectResponse response, string key, S3Errors errors) : ForwardReadStream
{
    readonly Stream _body = response.ResponseStream;
    readonly long _length = response.ContentLength;
    long _left = response.ContentLength;

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
