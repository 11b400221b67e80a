namespace Pitr.Storage.Sftp;

/// <summary>
/// A bounded number of sessions, started when they are needed, closed when nobody used them for a while, replaced when they died.
/// Operations beyond their number share sessions, so none waits for another one to end.
/// </summary>
sealed class SftpSessionPool : IAsyncDisposable
{
    /// <summary>How long an unused session is kept: shorter than firewalls forget connections.</summary>
    public static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(2);

    readonly int _most;
    readonly Func<Task<SftpSession>> _start;
    readonly TimeProvider _timeProvider;
    readonly Lock _lock = new();
    readonly List<Slot> _slots = [];
    readonly HashSet<Task> _closing = [];
    readonly ITimer _idleTimer;
    bool _disposed;

    public SftpSessionPool(int most, Func<Task<SftpSession>> start, TimeProvider timeProvider)
    {
        _most = most;
        _start = start;
        _timeProvider = timeProvider;
        _idleTimer = timeProvider.CreateTimer(_ => CloseIdle(), state: null, IdleTime / 4, IdleTime / 4);
    }

    /// <summary>A session nobody uses, else a new one, else the least used one.</summary>
    /// <exception cref="SftpConnectionException">It could not be started.</exception>
    public async Task<SftpLease> AcquireAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var slot = Choose();
            try
            {
                var session = await slot.Session.WaitAsync(cancellationToken);
                // A server that ends every session at once is found out by the first request.
                if (!session.IsEnded || attempt == 3)
                {
                    return new SftpLease(session, () => Release(slot));
                }
            }
            catch (SftpConnectionException failure) when (failure.IsTransient)
            {
                // Servers limit how many connections they take. What runs already goes on.
                Release(slot);
                if (TryShare() is { } lease)
                {
                    return lease;
                }

                throw;
            }
            catch
            {
                Release(slot);
                throw;
            }

            Release(slot);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] closing;
        lock (_lock)
        {
            _disposed = true;
            foreach (var slot in _slots)
            {
                Close(slot);
            }

            _slots.Clear();
            closing = [.. _closing];
        }

        await _idleTimer.DisposeAsync();
        await Task.WhenAll(closing);
    }

    Slot Choose()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            foreach (var dead in _slots.Where(slot => slot.IsDead).ToArray())
            {
                _slots.Remove(dead);
                Close(dead);
            }

            var least = _slots.MinBy(slot => slot.Users);
            if (least is null || (least.Users > 0 && _slots.Count < _most))
            {
                least = new Slot(Task.Run(_start));
                _slots.Add(least);
            }

            least.Users++;
            return least;
        }
    }

    SftpLease? TryShare()
    {
        lock (_lock)
        {
            var least = _slots.Where(slot => slot.Session.IsCompletedSuccessfully && !slot.IsDead).MinBy(slot => slot.Users);
            if (least is null)
            {
                return null;
            }

            least.Users++;
            return new SftpLease(least.SessionIfStarted!, () => Release(least));
        }
    }

    void Release(Slot slot)
    {
        lock (_lock)
        {
            slot.Users--;
            slot.IdleSince = _timeProvider.GetTimestamp();
        }
    }

    void CloseIdle()
    {
        lock (_lock)
        {
            foreach (var idle in _slots.Where(slot => slot.Users == 0 && _timeProvider.GetElapsedTime(slot.IdleSince) >= IdleTime).ToArray())
            {
                _slots.Remove(idle);
                Close(idle);
            }
        }
    }

    // Under the lock.
    void Close(Slot slot)
    {
        var closing = CloseAsync(slot);
        if (!closing.IsCompleted)
        {
            _closing.Add(closing);
            _ = closing.ContinueWith(
                done =>
                {
                    lock (_lock)
                    {
                        _closing.Remove(done);
                    }
                },
                CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    static async Task CloseAsync(Slot slot)
    {
        await Task.Yield();
        try
        {
            var session = await slot.Session;
            await session.DisposeAsync();
        }
        catch (SftpConnectionException)
        {
            // It never came about, which those who wanted it were told.
        }
    }

    sealed class Slot(Task<SftpSession> session)
    {
        public Task<SftpSession> Session => session;

        public int Users { get; set; }

        public long IdleSince { get; set; }

        public bool IsDead => session.IsCompleted && (!session.IsCompletedSuccessfully || SessionIfStarted!.IsEnded);

        public SftpSession? SessionIfStarted => session.IsCompletedSuccessfully ? session.GetAwaiter().GetResult() : null;
    }
}
