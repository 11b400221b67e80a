using System.Security.Cryptography;

namespace Pitr.Storage.S3;

/// <summary>
/// A part of a content on its way into a request, exactly as long as announced. Hashes what passes. Remembers what the source threw,
/// because the SDK would wrap it.
/// </summary>
sealed class ContentStream(Stream source, long length, Func<long, Exception> cut) : Stream
{
    readonly IncrementalHash _md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
    long _position;

    /// <summary>What the source threw, if it did.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>The digest of all that passed, as a plain ETag shows it.</summary>
    public string Md5Hex => Convert.ToHexStringLower(_md5.GetCurrentHash());

    public override bool CanRead => true;

    /// <summary>Only to where it is: the SDK wants to know that of its bodies, but has no reason to move.</summary>
    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a store reads contents asynchronously");

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var wanted = (int)Math.Min(buffer.Length, length - _position);
        if (wanted == 0)
        {
            return 0;
        }

        int read;
        try
        {
            read = await source.ReadAsync(buffer[..wanted], cancellationToken);
            if (read == 0)
            {
                throw cut(_position);
            }
        }
        catch (Exception failure)
        {
            Failure = failure;
            throw;
        }

        _md5.AppendData(buffer.Span[..read]);
        _position += read;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin)
    {
        var target = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => length + offset,
        };
        return target == _position ? target : throw new NotSupportedException($"a content at {_position} cannot go to {target}");
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _md5.Dispose();
        }

        base.Dispose(disposing);
    }
}
