using Microsoft.Win32.SafeHandles;
using Pitr.Operations.Backup;

namespace Pitr.Operations.Files;

/// <summary>A part of an open file on its way into a backup.</summary>
/// <param name="file">Open.</param>
/// <param name="path">For messages.</param>
/// <param name="offset">Where the part begins, in bytes.</param>
/// <param name="length">Its bytes.</param>
sealed class TreeFileContent(SafeFileHandle file, string path, long offset, long length) : IFileContent
{
    const int Interrupted = 4;

    long _position = offset;

    /// <inheritdoc/>
    public long Length => length;

    /// <inheritdoc/>
    public bool CanReadAgain => true;

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var read = ReadAgain(_position, buffer.Span);
        _position += read;
        return ValueTask.FromResult(read);
    }

    /// <inheritdoc/>
    public int ReadAgain(long offset, Span<byte> bytes)
    {
        var done = 0;
        while (done < bytes.Length)
        {
            var read = TreeCalls.Read(file, bytes[done..], bytes.Length - done, offset + done);
            if (read < 0 && System.Runtime.InteropServices.Marshal.GetLastPInvokeError() != Interrupted)
            {
                throw TreeError.Last("cannot be read", path);
            }

            if (read == 0)
            {
                break;
            }

            done += (int)Math.Max(0, read);
        }

        return done;
    }
}
