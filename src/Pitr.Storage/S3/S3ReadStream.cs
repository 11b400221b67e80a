using System.Security.Cryptography;
using Amazon.Runtime.Internal.Util;
using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>
/// The body of an answer. Gives exactly as many bytes as were announced, or fails. Where the SDK would hold them against the MD5 in the ETag,
/// this does, because the SDK's own MD5 is managed code that takes most of the time of a read.
/// </summary>
sealed class S3ReadStream(GetObjectResponse response, string key, S3Errors errors) : ForwardReadStream
{
    readonly Stream _body = response.ResponseStream is MD5Stream hashing ? hashing.GetNonWrapperBaseStream() : response.ResponseStream;
    readonly IncrementalHash? _md5 = response.ResponseStream is MD5Stream ? IncrementalHash.CreateHash(HashAlgorithmName.MD5) : null;
    readonly long _length = response.ContentLength;
    long _left = response.ContentLength;

    public override int Read(Span<byte> buffer)
    {
        try
        {
            var read = _body.Read(buffer);
            return Advance(buffer[..read], buffer.Length);
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
            var read = await _body.ReadAsync(buffer, cancellationToken);
            return Advance(buffer.Span[..read], buffer.Length);
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
            _md5?.Dispose();
            response.Dispose();
        }

        base.Dispose(disposing);
    }

    int Advance(ReadOnlySpan<byte> read, int wanted)
    {
        if (read.IsEmpty && wanted > 0 && _left > 0)
        {
            throw new EndOfStreamException($"the answer ended {_left} bytes early");
        }

        _md5?.AppendData(read);
        _left -= read.Length;
        if (_md5 is not null && _left == 0 && !read.IsEmpty)
        {
            RequireSame(Convert.ToHexStringLower(_md5.GetHashAndReset()));
        }

        return read.Length;
    }

    void RequireSame(string md5)
    {
        var stored = response.ETag.Trim('"');
        if (!stored.Equals(md5, StringComparison.OrdinalIgnoreCase))
        {
            throw new IOException($"the bytes arrived changed: their MD5 is {md5}, the store has {stored}");
        }
    }

    StorageException Broken(Exception failure) => errors.From($"cannot read on, {_length - _left} of {_length} bytes in", key, failure);
}
