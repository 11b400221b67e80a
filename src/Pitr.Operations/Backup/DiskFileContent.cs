using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Backup;

/// <summary>A file of a data directory that is being written at the same time.</summary>
sealed class DiskFileContent(SafeFileHandle file) : IFileContent, IDisposable
{
    long _position;

    /// <inheritdoc/>
    public long Length { get; } = RandomAccess.GetLength(file);

    /// <summary>Opens a file.</summary>
    /// <exception cref="FileNotFoundException">It is gone.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not read it.</exception>
    /// <exception cref="IOException">Another error.</exception>
    public static DiskFileContent Open(string path) => new(LibC.OpenForReading(path));

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

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
