using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>A range of a stored object. Ends exactly at the range's end, or fails.</summary>
sealed class ObjectReadStream(SafeFileHandle handle, ByteRange range, string key, string path, FileErrors errors) : ForwardReadStream
{
    long _position = range.Offset;

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
