namespace Pitr.Storage.Limits;

/// <summary>
/// A rate that any number of operations share: a token bucket in virtual time. Whoever wants to move bytes reserves the next free moment, one
/// slice after the other, so operations take turns slice by slice, however much each of them wants. What was not used is saved up for a quarter
/// of a second at most, which makes up for timers that fire late. Takes no memory per waiting operation but its timer. Thread-safe.
/// </summary>
public sealed class BandwidthLimit
{
    const double SavedSeconds = 0.25;
    const int SlicesPerSecond = 20;
    const int MaxSlice = 64 * 1024;

    // Shorter waits are not worth a timer; they add up until they are.
    static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(5);

    readonly Lock _lock = new();
    readonly TimeProvider _clock;
    readonly long _began;
    double _free;
    long _taken;

    /// <summary>A limit of which nothing is used yet.</summary>
    /// <param name="bytesPerSecond">The rate; 1 or more.</param>
    /// <param name="clock">The clock to wait by.</param>
    public BandwidthLimit(long bytesPerSecond, TimeProvider clock)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytesPerSecond, 1);
        ArgumentNullException.ThrowIfNull(clock);
        BytesPerSecond = bytesPerSecond;
        _clock = clock;
        _began = clock.GetTimestamp();
        Slice = (int)Math.Clamp(bytesPerSecond / SlicesPerSecond, 1, MaxSlice);
        MaxBurst = (int)Math.Clamp(bytesPerSecond * SavedSeconds, 1, int.MaxValue);
    }

    /// <summary>The rate.</summary>
    public long BytesPerSecond { get; }

    /// <summary>How many bytes are reserved at once: a twentieth of a second's, but no more than 64 KiB.</summary>
    public int Slice { get; }

    /// <summary>How many bytes may be moved in one go after they were taken: a quarter of a second's.</summary>
    public int MaxBurst { get; }

    /// <summary>All bytes that were taken so far.</summary>
    internal long Taken => Interlocked.Read(ref _taken);

    /// <summary>Waits until that many bytes may be moved.</summary>
    /// <param name="bytes">0 or more.</param>
    /// <param name="cancellationToken">Ends the wait; what was not yet due is given back to the others.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled before all bytes were due.</exception>
    public async ValueTask TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        while (bytes > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var slice = Math.Min(bytes, Slice);
            var wait = Reserve(slice);
            if (wait >= ShortestWait)
            {
                try
                {
                    await Task.Delay(wait, _clock, cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    GiveBack(slice);
                    throw;
                }
            }

            bytes -= slice;
        }
    }

    /// <summary>Waits on this thread until that many bytes may be moved: authenticating readers are synchronous.</summary>
    /// <param name="bytes">0 or more.</param>
    public void Take(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        while (bytes > 0)
        {
            var slice = Math.Min(bytes, Slice);
            var wait = Reserve(slice);
            if (wait >= ShortestWait)
            {
                // The timer fires on a thread of its own, so nothing is held up that this depends on.
                Task.Delay(wait, _clock, CancellationToken.None).GetAwaiter().GetResult();
            }

            bytes -= slice;
        }
    }

    TimeSpan Reserve(long bytes)
    {
        lock (_lock)
        {
            var now = _clock.GetElapsedTime(_began).TotalSeconds;
            var start = Math.Max(_free, now - SavedSeconds);
            _free = start + ((double)bytes / BytesPerSecond);
            _taken += bytes;
            return TimeSpan.FromSeconds(Math.Max(0, start - now));
        }
    }

    // Those who reserved later keep their moments; the next to come gets the one that is free now.
    void GiveBack(long bytes)
    {
        lock (_lock)
        {
            _free -= (double)bytes / BytesPerSecond;
            _taken -= bytes;
        }
    }
}
