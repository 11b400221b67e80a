using Pitr.Operations.Errors;
using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>
/// One write to several repositories of which fewer than all are required. Ends when enough hold the object and what the others lack is
/// written down; a conflict or any other refusal that is not a repository's trouble ends it at once.
/// </summary>
sealed class QuorumWrite
{
    // What a failing repository may still take once enough others hold the object. It is spent again whenever the repository has rested.
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    readonly int _required;
    readonly IReadOnlyList<string> _keys;
    readonly DebtLedger _debts;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly CancellationTokenSource _stop;
    readonly Dictionary<Task, ObservedObjectStore> _running;
    readonly List<ObservedObjectStore> _without;
    readonly List<Exception> _failures = [];
    int _done;

    /// <param name="required">How many must hold it.</param>
    /// <param name="keys">The objects that are written, and owed to whoever does not get them.</param>
    /// <param name="candidates">The repositories to write to now.</param>
    /// <param name="passedOver">Those that are not even tried: they are owed at once.</param>
    /// <param name="write">Writes to one repository.</param>
    /// <param name="debts">Where debts are written down.</param>
    /// <param name="clock">Source of time.</param>
    /// <param name="log">Told what is owed.</param>
    /// <param name="closing">Ends what goes on behind the caller's back.</param>
    public QuorumWrite(
        int required,
        IReadOnlyList<string> keys,
        IEnumerable<ObservedObjectStore> candidates,
        IEnumerable<ObservedObjectStore> passedOver,
        Func<ObservedObjectStore, CancellationToken, Task> write,
        DebtLedger debts,
        TimeProvider clock,
        ILogger log,
        CancellationToken closing)
    {
        (_required, _keys, _debts, _clock, _log) = (required, keys, debts, clock, log);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(closing);
        _running = candidates.ToDictionary(store => Task.Run(() => write(store, _stop.Token)), store => store);
        _without = [.. passedOver];
    }

    /// <summary>Writes.</summary>
    /// <returns>The repositories that are still being written to, each with the task that ends when it is over and its outcome written down.</returns>
    /// <exception cref="StorageException">Too few repositories could take it; nothing goes on.</exception>
    public async Task<IReadOnlyList<(ObservedObjectStore Store, Task Ended)>> RunAsync(Laggards laggards, CancellationToken cancellation)
    {
        var goesOn = false;
        try
        {
            await using (cancellation.Register(_stop.Cancel))
            {
                await ReachRequiredAsync(cancellation);
                if (laggards == Laggards.Await)
                {
                    await AwaitLaggardsAsync(cancellation);
                }
            }

            Owe();
            goesOn = _running.Count > 0;
            return [.. _running.Select(r => (r.Value, FollowAsync(r.Key, r.Value)))];
        }
        finally
        {
            if (!goesOn)
            {
                await StopAsync();
            }
        }
    }

    async Task ReachRequiredAsync(CancellationToken cancellation)
    {
        while (_done < _required)
        {
            if (_done + _running.Count < _required)
            {
                throw Combined();
            }

            await TakeAsync(await Task.WhenAny(_running.Keys));
            cancellation.ThrowIfCancellationRequested();
        }
    }

    async Task AwaitLaggardsAsync(CancellationToken cancellation)
    {
        using var waited = new CancellationTokenSource();
        var grace = Task.Delay(Grace, _clock, waited.Token);
        while (_running.Count > 0)
        {
            var healthy = _running.Where(r => r.Value.Health.Failing is null).Select(r => r.Key).ToArray();
            if (grace.IsCompleted && healthy.Length == 0)
            {
                break;
            }

            // A repository may begin to fail while it is waited for, so the rest is looked at again now and then.
            var tick = Task.Delay(TimeSpan.FromSeconds(1), _clock, waited.Token);
            var ended = await Task.WhenAny([.. _running.Keys, tick]);
            if (ended != tick)
            {
                await TakeAsync(ended);
            }

            cancellation.ThrowIfCancellationRequested();
        }

        await waited.CancelAsync();
        foreach (var (_, store) in _running)
        {
            _without.Add(store);
        }

        await StopAsync();
    }

    // Somebody's outcome: done, or a repository's own trouble. Anything else is the whole write's error.
    async Task TakeAsync(Task ended)
    {
        _running.Remove(ended, out var store);
        try
        {
            await ended;
            _done++;
            SettleAll(store!);
        }
        catch (Exception e) when (IsTrouble(e))
        {
            _failures.Add(e);
            _without.Add(store!);
            store!.Health.Fail(e.Message);
        }
    }

    void Owe()
    {
        foreach (var store in _without.Concat(_running.Values))
        {
            foreach (var key in _keys)
            {
                Owe(store, key);
            }
        }

        foreach (var store in _without.Where(_ => _keys.Count > 0))
        {
            _log.Warning("repository {Repository} is owed {Keys}: {Reason}", store.Name, string.Join(", ", _keys), store.Health.Failing ?? "it is too far behind");
        }
    }

    void Owe(ObservedObjectStore store, string key)
    {
        try
        {
            _debts.Owe(store.Name, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RepositoryUnavailableException(
                $"repository {store.Name} does not hold {key}, and that could not be written down: {e.Message}",
                "nothing is acknowledged; make room in the state directory, and check its owner",
                e);
        }
    }

    async Task FollowAsync(Task write, ObservedObjectStore store)
    {
        try
        {
            await write;
            SettleAll(store);
        }
        catch (Exception e) when ((IsTrouble(e) || e is OperationCanceledException) && _keys.Count == 0)
        {
            _log.Warning("repository {Repository} goes without what the others have: {Reason}", store.Name, e.Message);
        }
        catch (Exception e) when (IsTrouble(e) || e is OperationCanceledException)
        {
            _log.Warning("repository {Repository} is owed {Keys}: {Reason}", store.Name, string.Join(", ", _keys), e.Message);
        }
        catch (OperationException e)
        {
            // Acknowledged by the others; what this one holds under the same name is for a person to look at, and stays owed.
            _log.Error("repository {Repository}: {Reason}", store.Name, e.Message);
        }
    }

    void SettleAll(ObservedObjectStore store)
    {
        foreach (var key in _keys)
        {
            _debts.Settle(store.Name, key);
        }
    }

    async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _running.Clear();
    }

    static bool IsTrouble(Exception e) => e is StorageException and not ObjectExistsException or RepositoryUnavailableException;

    Exception Combined() => _failures.Count == 1
        ? _failures[0]
        : new RepositoryUnavailableException(
            $"{RepositoryCount.Text(_required)} must hold it, but {_failures.Count} failed: {string.Join("; ", _failures.Select(f => f.Message))}",
            "nothing is acknowledged; `pitr check` shows which repository works",
            _failures[0]);
}
