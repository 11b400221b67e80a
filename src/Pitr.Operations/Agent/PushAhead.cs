using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Services;
using Pitr.Storage.File;

namespace Pitr.Operations.Agent;

/// <summary>
/// Pushes the segments that PostgreSQL will ask for next while it still waits for the present one, several at once. PostgreSQL asks
/// for one segment after the other; it gets its answer when that segment is durable, which by then it often already is. A crash
/// loses nothing: what was not acknowledged is asked for again, and pushing it again is the same success.
/// </summary>
sealed class PushAhead : IAsyncDisposable
{
    // How many segments may be finished or under way beyond the one that is asked for. Remembering one takes a few bytes.
    const int Window = 64;

    // A repository that is down, or a segment that it refuses, is reported when PostgreSQL asks. Nothing is gained by trying all that waits.
    const int MostFailures = 3;

    // What hangs in the kernel, in a file system that does not answer, must not keep the agent from ending.
    static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(10);

    readonly ArchivePush _push;
    readonly PushBudget _budget;
    readonly int _parallel;
    readonly CancellationTokenSource _stopping = new();
    readonly Lock _lock = new();
    readonly Dictionary<string, UnderwayPush> _pushes = new(StringComparer.Ordinal);
    readonly ReadySegments _ready = new();
    int _workers;
    int _failures;

    /// <param name="service">Whose files are pushed.</param>
    /// <param name="budget">Processors and memory, shared with the other services of the agent.</param>
    /// <param name="parallel">How many files are under way ahead at once; most of them wait for disks or networks.</param>
    public PushAhead(PostgresService service, PushBudget budget, int parallel) => (_push, _budget, _parallel) = (new ArchivePush(service, budget), budget, parallel);

    /// <summary>Pushes a file, or waits for the push of it that already runs, and starts on what follows it.</summary>
    /// <inheritdoc cref="ArchivePush.PushAsync(string, CancellationToken)" path="/exception"/>
    public async Task<ArchivePushResult> PushAsync(string path, CancellationToken cancellation)
    {
        var push = Take(path);
        LookAhead(path);
        // If the client goes away, the push goes on and is remembered: its file is asked for again.
        var result = await push.Ended.WaitAsync(cancellation);
        if (result.Stamp != FileStamp.Of(path))
        {
            // It was pushed ahead when something else had this name.
            Forget(path, push);
            push = Take(path);
            result = await push.Ended.WaitAsync(cancellation);
        }

        // Answered once: a later request for the same file looks at the repository again.
        Forget(path, push);
        _failures = 0;
        return result;
    }

    /// <summary>How many are under way or finished and not yet asked for.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _pushes.Count;
            }
        }
    }

    UnderwayPush Take(string path)
    {
        UnderwayPush? push;
        lock (_lock)
        {
            if (!_pushes.TryGetValue(path, out push) || push.HasFailed)
            {
                push = new UnderwayPush();
                _pushes[path] = push;
            }
        }

        Start(path, push, isUrgent: true);
        return push;
    }

    // Begun by whoever comes first, a worker or its own request; the other one waits for the same end.
    void Start(string path, UnderwayPush push, bool isUrgent)
    {
        if (isUrgent && push.Priority.Raise())
        {
            _budget.Reconsider();
        }

        if (push.TryBegin())
        {
            _ = Task.Run(() => RunAsync(path, push));
        }
    }

    async Task RunAsync(string path, UnderwayPush push)
    {
        try
        {
            push.Succeed(await _push.PushAsync(path, push.Priority, _stopping.Token));
        }
        catch (Exception e)
        {
            // Forgotten: whoever waits for it is told, and the next request tries anew and reports what is wrong then.
            Forget(path, push);
            Interlocked.Increment(ref _failures);
            push.Fail(e);
        }
    }

    void Forget(string path, UnderwayPush push)
    {
        lock (_lock)
        {
            if (_pushes.TryGetValue(path, out var known) && known == push)
            {
                _pushes.Remove(path);
            }
        }
    }

    void LookAhead(string path)
    {
        if (!WalSegmentName.TryParse(Path.GetFileName(path), out var current))
        {
            return;
        }

        lock (_lock)
        {
            ForgetBefore(path, current);
            _ready.LookAfter(path);
            StartWorkers();
        }
    }

    // PostgreSQL asks in order: what comes before and was never asked for has been answered by somebody else, and would fill the window.
    void ForgetBefore(string path, WalSegmentName current)
    {
        foreach (var passed in _pushes.Where(p => p.Value.Ended.IsCompleted && IsBefore(p.Key)).Select(p => p.Key).ToArray())
        {
            _pushes.Remove(passed);
        }

        bool IsBefore(string other) => Path.GetDirectoryName(other.AsSpan()).SequenceEqual(Path.GetDirectoryName(path.AsSpan()))
            && WalSegmentName.TryParse(Path.GetFileName(other), out var segment) && segment.Timeline == current.Timeline && segment.CompareTo(current) < 0;
    }

    // Under the lock.
    void StartWorkers()
    {
        while (_workers < _parallel && NextAhead() is { } next)
        {
            _workers++;
            _ = Task.Run(() => WorkAsync(next.Path, next.Push));
        }
    }

    (string Path, UnderwayPush Push)? NextAhead()
    {
        if (_stopping.IsCancellationRequested || Volatile.Read(ref _failures) >= MostFailures)
        {
            _ready.Clear();
            return null;
        }

        while (_pushes.Count <= Window && _ready.Next() is { } path)
        {
            if (!_pushes.ContainsKey(path))
            {
                return (path, _pushes[path] = new UnderwayPush());
            }
        }

        return null;
    }

    async Task WorkAsync(string path, UnderwayPush push)
    {
        while (true)
        {
            Start(path, push, isUrgent: false);
            await ((Task)push.Ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lock (_lock)
            {
                if (NextAhead() is { } next)
                {
                    (path, push) = next;
                    continue;
                }

                _workers--;
                return;
            }
        }
    }

    /// <summary>Abandons what is not finished; nothing of it was acknowledged.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task[] underway;
        lock (_lock)
        {
            underway = [.. _pushes.Values.Where(p => p.HasBegun).Select(p => p.Ended)];
        }

        await Task.WhenAll(underway).WaitAsync(LongestEnd).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>One push, whoever waits for it.</summary>
    sealed class UnderwayPush
    {
        readonly TaskCompletionSource<ArchivePushResult> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int _begun;

        public UnderwayPush() =>
            // One that fails before it is asked for has nobody to tell.
            _ = _ended.Task.ContinueWith(failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

        public PushPriority Priority { get; } = new();

        public Task<ArchivePushResult> Ended => _ended.Task;

        public bool HasBegun => Volatile.Read(ref _begun) == 1;

        public bool HasFailed => _ended.Task.IsFaulted || _ended.Task.IsCanceled;

        public bool TryBegin() => Interlocked.Exchange(ref _begun, 1) == 0;

        public void Succeed(ArchivePushResult result) => _ended.SetResult(result);

        public void Fail(Exception reason)
        {
            if (reason is OperationCanceledException cancelled)
            {
                _ended.SetCanceled(cancelled.CancellationToken);
            }
            else
            {
                _ended.SetException(reason);
            }
        }
    }
}
