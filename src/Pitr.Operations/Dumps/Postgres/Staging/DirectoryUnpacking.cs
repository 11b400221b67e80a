using Microsoft.Win32.SafeHandles;
using Pitr.Format;
using Pitr.Format.Dumps;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Dumps.Postgres.Staging;

/// <summary>Takes the stream of a directory, and writes its files into an empty one.</summary>
sealed class DirectoryUnpacking : Stream, IDirectorySink
{
    readonly string _directory;
    readonly DirectoryFrameReader _reader;
    readonly Dictionary<uint, (SafeFileHandle Handle, long Length)> _open = [];

    /// <param name="directory">Existing, empty directory.</param>
    public DirectoryUnpacking(string directory)
    {
        _directory = directory;
        _reader = new DirectoryFrameReader(this);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Takes a stream to its end.</summary>
    /// <param name="copy">Writes the stream to where it is told.</param>
    /// <param name="left">What there is when it fails, for the error.</param>
    /// <exception cref="DamagedRepositoryException">It is no stream of a directory.</exception>
    /// <exception cref="IOException">The files cannot be written.</exception>
    public async Task TakeAsync(Func<Stream, Task> copy, string left)
    {
        try
        {
            await copy(this);
            Complete();
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException($"a stream is not what a dump of several jobs is: {e.Message}; {left}", "take another backup: pitr info lists them", e);
        }
    }

    /// <summary>Nothing more comes.</summary>
    /// <exception cref="DamagedObjectException">The stream's end is missing.</exception>
    public void Complete() => _reader.Complete();

    /// <inheritdoc/>
    public void Begin(uint number, string name) => _open.Add(number, (File.OpenHandle(Path.Combine(_directory, name), FileMode.CreateNew, FileAccess.Write), 0));

    /// <inheritdoc/>
    public void Write(uint number, ReadOnlySpan<byte> piece)
    {
        var (handle, length) = _open[number];
        RandomAccess.Write(handle, piece, length);
        _open[number] = (handle, length + piece.Length);
    }

    /// <inheritdoc/>
    public void End(uint number)
    {
        _open[number].Handle.Dispose();
        _open.Remove(number);
    }

    public override void Write(ReadOnlySpan<byte> buffer) => _reader.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => _reader.Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _reader.Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
        // Every write goes to the file.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        foreach (var (handle, _) in _open.Values)
        {
            handle.Dispose();
        }

        base.Dispose(disposing);
    }
}
