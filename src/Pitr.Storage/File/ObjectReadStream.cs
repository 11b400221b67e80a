using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>A range of a stored object. Ends exactly at the range's end, or fails.</summary>
sealed class ObjectReadStream(SafeFileHandle handle, ByteRange range, string key, string path, FileErrors errors) : Stream
{
    long _position = range.Offset;

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
        var wanted = (int)Math.Min(buffer.Length, range.End - _position);
        if (wanted == 0)
        {
            return 0;
        }

        try
        {
            return Advance(RandomAccess.Read(handle, buffer[..wanted], _position));
        }
        catch (IOException failure)
        {
            throw Unreadable(failure);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var wanted = (int)Math.Min(buffer.Length, range.End - _position);
        if (wanted == 0)
        {
            return 0;
        }

        try
        {
            return Advance(await RandomAccess.ReadAsync(handle, buffer[..wanted], _position, cancellationToken));
        }
        catch (IOException failure)
        {
            throw Unreadable(failure);
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
            handle.Dispose();
        }

        base.Dispose(disposing);
    }

    int Advance(int read)
    {
        if (read == 0)
        {
            throw errors.Error(
                key, $"{path} ends at byte {_position}, {range.End - _position} bytes early: it was cut while it was read", transient: false,
                "nothing but pitr may change files of a repository; restore this one from another repository");
        }

        _position += read;
        return read;
    }

    StorageException Unreadable(IOException failure) => new(
        errors.Repository, key, $"cannot read {path}: {failure.Message}", isTransient: true, "look for disk or network errors in the kernel log", failure);
}
