namespace Pitr.Tests;

/// <summary>A clock that moves when told, or jumps over what is waited for by itself.</summary>
public sealed class TestClock(DateTimeOffset start) : TimeProvider
{
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    readonly Lock _lock = new();
    readonly List<Timer> _timers = [];
    TaskCompletionSource _somebodyWaits = new(TaskCreationOptions.RunContinuationsAsynchronously);
    DateTimeOffset _now = start;

    /// <summary>Jumps to the end of whatever is waited for.</summary>
    public bool SkipsWaits { get; init; }

    /// <summary>Jumps over pauses, but not over deadlines.</summary>
    public bool SkipsShortWaits { get; init; }

    /// <summary>How many timers are running.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _timers.Count;
            }
        }
    }

    /// <summary>Completes when somebody waits.</summary>
    public Task SomebodyWaits
    {
        get
        {
            lock (_lock)
            {
                return _somebodyWaits.Task;
            }
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    public void Advance(TimeSpan time)
    {
        List<Timer> due;
        lock (_lock)
        {
            _now += time;
            due = [.. _timers.Where(timer => timer.Due <= _now)];
            _timers.RemoveAll(due.Contains);
            if (_timers.Count == 0 && _somebodyWaits.Task.IsCompleted)
            {
                _somebodyWaits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        due.ForEach(timer => timer.Fire());
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    sealed class Timer(TestClock owner, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                Dispose();
                return true;
            }

            lock (owner._lock)
            {
                Due = owner._now + dueTime;
                owner._timers.Remove(this);
                owner._timers.Add(this);
                owner._somebodyWaits.TrySetResult();
            }

            if (owner.SkipsWaits || (owner.SkipsShortWaits && dueTime <= LongestPause))
            {
                // Not on this thread: whoever makes a timer has not stored it yet.
                ThreadPool.QueueUserWorkItem(_ => owner.Advance(dueTime));
            }

            return true;
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
