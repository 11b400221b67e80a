namespace Pitr.Storage;

/// <summary>
/// The bytes of an object to put. A store may open them more than once (to sign, to retry), and each time gets the same bytes from the start,
/// so a retry needs no temporary copy.
/// </summary>
public abstract class ObjectContent
{
    /// <summary>How many bytes <see cref="OpenRead"/> gives, known beforehand.</summary>
    public abstract long Length { get; }

    /// <summary>Opens the bytes from the start. The caller disposes the stream.</summary>
    public abstract Stream OpenRead();

    /// <summary>The bytes without copying, where they are in memory anyway.</summary>
    public virtual bool TryGetMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = default;
        return false;
    }

    /// <summary>Whether reading waits for nothing but memory or a disk, above all not for another content to be read: then contents may be read one after the other.</summary>
    internal virtual bool IsAtHand => false;

    /// <summary>Whether sending has to wait at times.</summary>
    internal virtual bool IsPaced => false;

    /// <summary>How many of the given number of bytes a driver may send at once.</summary>
    internal virtual int MaxSend(int bytes) => bytes;

    /// <summary>Every driver awaits this right before it sends bytes, each of which counts once, however often it is read.</summary>
    internal virtual ValueTask BeforeSendingAsync(int bytes, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Content held in memory, which must not change until the put is done.</summary>
    public static ObjectContent FromMemory(ReadOnlyMemory<byte> memory) => new MemoryObjectContent(memory);

    /// <summary>
    /// Content of a file, whose length is taken now. The file must not change until the put is done;
    /// one that gives more or fewer bytes then makes the put fail.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be examined.</exception>
    public static ObjectContent FromFile(string path) => new FileObjectContent(path);
}
