using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Dumps.Postgres.Staging;

/// <summary>A file that another program writes from its beginning to its end, read behind it. What was read gives its space back, where the file system can do that.</summary>
/// <param name="path">Where it is.</param>
sealed class GrowingFile(string path) : IDisposable
{
    // Holes of this size and place are whole blocks of every file system.
    const long HoleSize = 1 << 20;

    SafeFileHandle? _handle;
    bool _isLengthFinal;
    bool _canPunch = true;
    long _punched;

    /// <summary>Its name in its directory.</summary>
    public string Name { get; } = Path.GetFileName(path);

    /// <summary>Its number in the stream, since its beginning was written there.</summary>
    public uint? Number { get; set; }

    /// <summary>Whether its end was written into the stream.</summary>
    public bool IsEnded { get; set; }

    /// <summary>Whether its writer has closed it.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Bytes that were written when it was last looked at.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes that were read.</summary>
    public long Taken { get; private set; }

    /// <summary>Bytes that can be read now.</summary>
    public long Waiting => Length - Taken;

    /// <summary>Whether all of it was read.</summary>
    public bool IsFinished => IsClosed && _isLengthFinal && Waiting == 0;

    /// <summary>Its writer has closed it.</summary>
    public void Close() => IsClosed = true;

    /// <summary>Looks how long it is.</summary>
    public void Look()
    {
        if (!_isLengthFinal)
        {
            Length = new FileInfo(path).Length;
            _isLengthFinal = IsClosed;
        }
    }

    /// <summary>Reads on.</summary>
    /// <returns>How many bytes were read, as many as fit and wait.</returns>
    /// <exception cref="IOException">It cannot be read.</exception>
    public int Read(Span<byte> to)
    {
        // Without a lock: its writer has none.
        _handle ??= File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var read = 0;
        while (read < to.Length && RandomAccess.Read(_handle, to[read..], Taken) is > 0 and var more)
        {
            (read, Taken) = (read + more, Taken + more);
        }

        var end = Taken / HoleSize * HoleSize;
        if (_canPunch && end > _punched)
        {
            _canPunch = LibC.TryPunchHole(_handle, _punched, end - _punched);
            _punched = end;
        }

        return read;
    }

    /// <summary>Removes it.</summary>
    public void Remove()
    {
        File.Delete(path);
        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _handle?.Dispose();
}
