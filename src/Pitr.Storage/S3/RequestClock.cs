namespace Pitr.Storage.S3;

/// <summary>The time limit of one request, which stands still while the request waits for this side's own bandwidth limit. One user at a time.</summary>
sealed class RequestClock(TimeSpan limit, TimeProvider timeProvider) : IDisposable
{
    readonly CancellationTokenSource _source = new(limit, timeProvider);
    TimeSpan _left = limit;
    long _since = timeProvider.GetTimestamp();

    /// <summary>Cancelled when the time is over.</summary>
    public CancellationToken Token => _source.Token;

    public void Pause()
    {
        _left -= timeProvider.GetElapsedTime(_since);
        _source.CancelAfter(Timeout.InfiniteTimeSpan);
    }

    public void Resume()
    {
        _since = timeProvider.GetTimestamp();
        _source.CancelAfter(_left > TimeSpan.Zero ? _left : TimeSpan.Zero);
    }

    public void Dispose() => _source.Dispose();
}
