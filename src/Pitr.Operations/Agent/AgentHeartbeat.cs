namespace Pitr.Operations.Agent;

/// <summary>While the agent runs: tells the service manager that it lives and what it does, and gives unused memory back.</summary>
public sealed class AgentHeartbeat : IAsyncDisposable
{
    static readonly TimeSpan Slowest = TimeSpan.FromSeconds(5);
    static readonly TimeSpan IdleAfter = TimeSpan.FromMinutes(1);

    readonly ServiceManager _manager;
    readonly ArchiveSocket _socket;
    readonly ArchiveRequestHandler _handler;
    readonly TimeProvider _clock;
    readonly CancellationTokenSource _stopping = new();
    readonly Task _beating;
    string _status = "";

    /// <summary>Begins at once: the service manager is told that requests are answered.</summary>
    /// <param name="manager">Who is told.</param>
    /// <param name="socket">As long as it takes requests, the agent lives.</param>
    /// <param name="handler">Does the work.</param>
    /// <param name="clock">Source of time.</param>
    public AgentHeartbeat(ServiceManager manager, ArchiveSocket socket, ArchiveRequestHandler handler, TimeProvider clock)
    {
        (_manager, _socket, _handler, _clock) = (manager, socket, handler, clock);
        _manager.Ready(_status = handler.Tally.ToString());
        _beating = Task.Run(BeatAsync);
    }

    // A third of what the watchdog allows, so that one beat may be late.
    TimeSpan Pause => _manager.Watchdog is { } watchdog && watchdog / 3 < Slowest ? watchdog / 3 : Slowest;

    // Runs on the pool whose threads do the work: if none of them comes free for long, systemd hears nothing and starts the agent anew.
    async Task BeatAsync()
    {
        var (archived, since) = (0L, _clock.GetTimestamp());
        while (!_stopping.IsCancellationRequested)
        {
            if (_socket.IsAccepting)
            {
                _manager.StillAlive();
            }

            if (_handler.Tally.ToString() is var status && status != _status)
            {
                _manager.Status(_status = status);
            }

            if (_handler.Tally.Archived != archived)
            {
                (archived, since) = (_handler.Tally.Archived, _clock.GetTimestamp());
            }
            else if (_clock.GetElapsedTime(since) >= IdleAfter)
            {
                _handler.ReleaseIdle();
            }

            await Task.Delay(Pause, _clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Ends; the service manager is told that the agent stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _manager.Stopping();
        await _stopping.CancelAsync();
        await _beating;
        _stopping.Dispose();
    }
}
