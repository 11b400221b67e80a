using System.Runtime.InteropServices;

namespace Pitr.Postgres.Programs;

/// <summary>
/// The reading end of a child's pipe, read with read(2) in the calling thread. The base library hands every asynchronous read of a pipe
/// to another thread; at a gigabyte per second those changes of thread cost more than the reading.
/// </summary>
/// <param name="pipe">The pipe; made as large as the system allows, up to 1 MiB, so that the writer rarely waits.</param>
/// <param name="abandon">Ends the writer, so that a read that waits for it ends too; called when a read is cancelled.</param>
sealed class PipeReadStream(SafeHandle pipe, Action abandon) : Stream
{
    const int PipeSize = 1 << 20;

    /// <summary>Enlarges the pipe; one that may not be enlarged works as it is.</summary>
    public static PipeReadStream Open(SafeHandle pipe, Action abandon)
    {
        LibC.TrySetPipeSize(pipe, PipeSize);
        return new PipeReadStream(pipe, abandon);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer) => LibC.Read(pipe, buffer);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Completes in the calling thread, which waits in the system call meanwhile.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = ReadOrAbandon(buffer.Span, cancellationToken);
        return cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : ValueTask.FromResult(read);
    }

    int ReadOrAbandon(Span<byte> buffer, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(static state => ((Action)state!)(), abandon);
        return Read(buffer);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
        // Nothing is ever written.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
