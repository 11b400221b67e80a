using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Backup;

/// <summary>A file of a data directory that is being written at the same time.</summary>
sealed class DiskFileContent(SafeFileHandle file) : IFileContent
{
    long _position;

    /// <inheritdoc/>
    public long Length { get; } = RandomAccess.GetLength(file);

    /// <inheritdoc/>
    public bool CanReadAgain => true;

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var read = ReadAgain(_position, buffer.Span[..(int)Math.Min(buffer.Length, Length - _position)]);
        _position += read;
        return ValueTask.FromResult(read);
    }

    /// <inheritdoc/>
    public int ReadAgain(long offset, Span<byte> bytes)
    {
        var read = 0;
        while (read < bytes.Length && RandomAccess.Read(file, bytes[read..], offset + read) is > 0 and var count)
        {
            read += count;
        }

        return read;
    }
}
