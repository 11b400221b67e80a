namespace Pitr.Operations.Services;

/// <summary>How one repository has been doing in this process: whether it answers, and how fast. Safe for use from several threads.</summary>
/// <param name="clock">Source of time.</param>
public sealed class RepositoryHealth(TimeProvider clock)
{
    /// <summary>A failing repository is passed over for this long, then it is tried again.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    // Weight of the newest answer in the mean: a few slow answers change the order of reading, a single one does not.
    const double Weight = 0.3;

    readonly Lock _lock = new();
    string? _reason;
    long _failedAt;
    double _milliseconds;

    /// <summary>Why it is failing, as a message; <see langword="null"/> while it works.</summary>
    public string? Failing
    {
        get
        {
            lock (_lock)
            {
                return _reason;
            }
        }
    }

    /// <summary>Whether asking it makes sense now: it works, or it has been left alone for <see cref="Rest"/>.</summary>
    public bool MayBeTried
    {
        get
        {
            lock (_lock)
            {
                return _reason is null || clock.GetElapsedTime(_failedAt) >= Rest;
            }
        }
    }

    /// <summary>Mean time until an answer came; zero while nothing is known.</summary>
    public TimeSpan Latency
    {
        get
        {
            lock (_lock)
            {
                return TimeSpan.FromMilliseconds(_milliseconds);
            }
        }
    }

    /// <summary>It failed once more.</summary>
    public void Fail(string reason)
    {
        lock (_lock)
        {
            _reason = reason;
            _failedAt = clock.GetTimestamp();
        }
    }

    /// <summary>It did what was asked.</summary>
    /// <param name="took">How long a question took to answer; <see langword="null"/> for work whose time says nothing.</param>
    public void Succeed(TimeSpan? took = null)
    {
        lock (_lock)
        {
            _reason = null;
            if (took is { } time)
            {
                _milliseconds = _milliseconds == 0 ? time.TotalMilliseconds : (Weight * time.TotalMilliseconds) + ((1 - Weight) * _milliseconds);
            }
        }
    }
}
