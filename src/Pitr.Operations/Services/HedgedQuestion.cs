using Pitr.Format;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>
/// Asks repositories for one thing, each when the one before it has failed or kept silent for a while, until one gives a good answer.
/// </summary>
/// <typeparam name="T">The answer; one that comes second is disposed.</typeparam>
/// <param name="stores">Whom to ask, in this order; at least one.</param>
/// <param name="ask">Asks one of them.</param>
/// <param name="patience">How long a silent one is waited for before the next is asked as well.</param>
/// <param name="clock">Source of time.</param>
/// <param name="onFailure">Told of each that gave no good answer.</param>
sealed class HedgedQuestion<T>(
    IReadOnlyList<IObjectStore> stores, Func<IObjectStore, CancellationToken, Task<T>> ask, TimeSpan patience, TimeProvider clock, Action<IObjectStore, Exception> onFailure)
{
    readonly Dictionary<Task<T>, IObjectStore> _running = [];
    readonly List<Exception> _failures = [];

    /// <summary>Whether an error says something about one repository's copy only, so that another one may have a good copy.</summary>
    static bool IsOfOneCopy(Exception e) => e is StorageException or RepositoryUnavailableException or DamagedRepositoryException or DamagedObjectException
        or EndOfStreamException or UnsupportedFormatException or KeyUnavailableException;

    /// <summary>Asks.</summary>
    public async Task<Asked<T>> RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            for (var next = 0; ;)
            {
                if (_running.Count == 0 && next == stores.Count)
                {
                    return new Asked<T>(false, default!, _failures);
                }

                if (_running.Count == 0)
                {
                    Start(stores[next++], stop.Token);
                }

                if (await NextAsync(waitsOn: next == stores.Count, stop.Token) is not { } ended)
                {
                    Start(stores[next++], stop.Token);
                }
                else if (await TakeAsync(ended) is { } answer)
                {
                    return new Asked<T>(true, answer.Value, _failures);
                }
                else if (next < stores.Count)
                {
                    Start(stores[next++], stop.Token);
                }

                cancellation.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await stop.CancelAsync();
            await DiscardAsync();
        }
    }

    void Start(IObjectStore store, CancellationToken cancellation) => _running.Add(Task.Run(() => ask(store, cancellation), cancellation), store);

    // The one that has ended; null when nobody has for a while and there is another one to ask.
    async Task<Task<T>?> NextAsync(bool waitsOn, CancellationToken cancellation)
    {
        if (waitsOn)
        {
            return await Task.WhenAny(_running.Keys);
        }

        Task ended;
        using (var waited = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
        {
            var silence = Task.Delay(patience, clock, waited.Token);
            ended = await Task.WhenAny([.. _running.Keys, silence]);
            await waited.CancelAsync();
        }

        return ended as Task<T>;
    }

    async Task<Answered?> TakeAsync(Task<T> ended)
    {
        _running.Remove(ended, out var store);
        try
        {
            return new Answered(await ended);
        }
        catch (Exception e) when (IsOfOneCopy(e))
        {
            _failures.Add(e);
            onFailure(store!, e);
            return null;
        }
    }

    // Those that lost: what they still bring is not needed.
    async Task DiscardAsync()
    {
        foreach (var running in _running.Keys)
        {
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (running.IsCompletedSuccessfully)
            {
                (await running as IDisposable)?.Dispose();
            }
        }
    }

    sealed record Answered(T Value);
}
