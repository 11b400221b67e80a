using Pitr.Postgres.BaseBackup;

namespace Pitr.Operations.Backup;

/// <summary>A file of pg_basebackup's tar: read once, from its beginning to its end. The server has read pages again that looked damaged.</summary>
sealed class TarFileContent(TarEntry entry) : IFileContent
{
    long _left = entry.Size;

    /// <inheritdoc/>
    public long Length => entry.Size;

    /// <inheritdoc/>
    public bool CanReadAgain => false;

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        var length = (int)Math.Min(_left, buffer.Length);
        await entry.Data.ReadExactlyAsync(buffer[..length], cancellation);
        _left -= length;
        return length;
    }

    /// <inheritdoc/>
    public int ReadAgain(long offset, Span<byte> bytes) => throw new NotSupportedException("a tar is read once");
}
