using System.Buffers;

namespace Pitr.Storage.Ftp;

/// <summary>
/// A stored object, or a range of it, as curl receives it. Ends exactly where it should, or fails: the last bytes are handed out only after the
/// server has confirmed that they are the last.
/// </summary>
sealed class FtpReadStream(CurlSession session, long length, bool whole) : ForwardReadStream
{
    const string What = "cannot read it";

    readonly byte[] _one = new byte[1];
    long _position;
    StorageException? _failure;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_failure is not null)
        {
            throw _failure;
        }

        if (_position == length || buffer.IsEmpty)
        {
            return 0;
        }

        session.Process.Expect();
        using (cancellationToken.UnsafeRegister(static curl => ((CurlProcess)curl!).Kill(), session.Process))
        {
            try
            {
                var wanted = (int)Math.Min(buffer.Length, length - _position);
                var read = await session.Process.Output.ReadAsync(buffer[..wanted], CancellationToken.None);
                cancellationToken.ThrowIfCancellationRequested();
                _position += read;
                if (read == 0 || (_position == length && whole))
                {
                    await FinishAsync(read, cancellationToken);
                }

                return read;
            }
            catch (StorageException failure)
            {
                _failure = failure;
                throw;
            }
            finally
            {
                session.Process.Idle();
            }
        }
    }

    // Authenticating readers are synchronous; nothing here runs on the caller's thread only.
    public override int Read(Span<byte> buffer)
    {
        var rented = ArrayPool<byte>.Shared.Rent(buffer.Length);
        try
        {
            var memory = rented.AsMemory(0, buffer.Length);
            var read = Task.Run(() => ReadAsync(memory).AsTask()).GetAwaiter().GetResult();
            memory.Span[..read].CopyTo(buffer);
            return read;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await session.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Task.Run(() => session.DisposeAsync().AsTask()).GetAwaiter().GetResult();
        }

        base.Dispose(disposing);
    }

    async Task FinishAsync(int read, CancellationToken cancellationToken)
    {
        var excess = read > 0 && await session.Process.Output.ReadAsync(_one, CancellationToken.None) > 0;
        if (excess)
        {
            throw Changed($"has more than the {length} bytes it was announced with");
        }

        var exitCode = await session.Process.Exited;
        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
        {
            throw await session.FailureAsync(What);
        }

        if (_position < length)
        {
            throw Changed($"ended {length - _position} bytes early, of {length}");
        }
    }

    StorageException Changed(string how) => session.Errors.Error(
        session.Key, $"{how}: it was replaced while it was read, or the connection was cut", transient: true);
}
