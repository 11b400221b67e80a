namespace Pitr.Operations.Archive;

/// <summary>
/// Keeps the memory of a few segments for the next ones, up to a limit: a recovery reads hundreds of segments of one size, and memory that was
/// just used is faster than new. Nothing is kept in the managed heap, whose own pool would keep one for each thread.
/// </summary>
/// <param name="mostKept">Bytes that are kept unused; 0: none.</param>
sealed class SegmentMemoryPool(long mostKept) : IDisposable
{
    // Histories and the like: not worth keeping, and in the way of segments.
    const int Small = 1 << 20;

    readonly Lock _lock = new();
    readonly Stack<WorkBuffer> _kept = new();
    long _bytes;
    bool _isClosed;

    /// <summary>A buffer of at least this length.</summary>
    public WorkBuffer Take(int length)
    {
        lock (_lock)
        {
            if (length >= Small && _kept.TryPeek(out var last) && last.Length >= length)
            {
                _bytes -= last.Length;
                return _kept.Pop();
            }
        }

        return new WorkBuffer(length);
    }

    /// <summary>Takes a buffer back.</summary>
    public void Give(WorkBuffer buffer)
    {
        lock (_lock)
        {
            if (!_isClosed && buffer.Length >= Small && _bytes + buffer.Length <= mostKept)
            {
                _kept.Push(buffer);
                _bytes += buffer.Length;
                return;
            }
        }

        buffer.Dispose();
    }

    /// <summary>Gives what is kept back to the system.</summary>
    public void Release()
    {
        lock (_lock)
        {
            while (_kept.TryPop(out var buffer))
            {
                buffer.Dispose();
            }

            _bytes = 0;
        }
    }

    /// <summary>What comes back from now on is not kept.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
        }

        Release();
    }
}
