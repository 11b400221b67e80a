namespace Pitr.Operations.Backup;

/// <summary>A small file that was read already.</summary>
sealed class SmallFileContent(byte[] content) : IFileContent
{
    int _position;

    /// <inheritdoc/>
    public long Length => content.Length;

    /// <inheritdoc/>
    public bool CanReadAgain => true;

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        var read = ReadAgain(_position, buffer.Span);
        _position += read;
        return ValueTask.FromResult(read);
    }

    /// <inheritdoc/>
    public int ReadAgain(long offset, Span<byte> bytes)
    {
        var rest = content.AsSpan((int)offset);
        rest = rest[..Math.Min(rest.Length, bytes.Length)];
        rest.CopyTo(bytes);
        return rest.Length;
    }
}
