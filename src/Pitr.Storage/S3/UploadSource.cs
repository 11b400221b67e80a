using System.Runtime.InteropServices;

namespace Pitr.Storage.S3;

/// <summary>Reads what is uploaded, and holds its length against what was announced.</summary>
sealed class UploadSource(S3Errors errors)
{
    /// <summary>Reads the bytes at a position into all of a buffer.</summary>
    public async Task FillAsync(
        string key, Stream source, Memory<byte> buffer, long position, long length, CancellationToken cancellationToken)
    {
        var read = await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (read < buffer.Length)
        {
            throw WrongLength(key, length, position + read);
        }
    }

    /// <summary>Refuses a source that has more than it said.</summary>
    public async Task RequireEndAsync(string key, Stream source, long length, CancellationToken cancellationToken)
    {
        if (await source.ReadAsync(new byte[1], cancellationToken) > 0)
        {
            throw errors.Error(key, $"its source gives more than the {length} bytes announced", transient: false);
        }
    }

    /// <summary>What is said of a source that ends early.</summary>
    public StorageException WrongLength(string key, long announced, long found) =>
        errors.Error(key, $"its source ends after {found} of the {announced} bytes announced", transient: false);

    /// <summary>A request's body of bytes in memory, at the pace that the content asks for.</summary>
    public static Stream Body(ObjectContent content, ReadOnlyMemory<byte> bytes) => PacedBody.Around(
        MemoryMarshal.TryGetArray(bytes, out var segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false),
        content);
}
