using System.Collections.Concurrent;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>
/// The repositories of one service, as one mirror. A write goes to all at once and counts when as many as required hold it; what the
/// others lack is written down in the <see cref="DebtLedger"/>. A read asks the fastest healthy repository and falls over to the next.
/// </summary>
public sealed class RepositorySet : IAsyncDisposable
{
    // A healthy repository answers well within this; after it the next one is asked as well, and whoever answers first wins.
    static readonly TimeSpan HedgeAfter = TimeSpan.FromSeconds(2);

    // Bytes a second. Asking a second repository because the first is merely slow would make both slower.
    const double SlowestUsefulRate = 1 << 20;

    // How long a repository with trouble may keep an answer waiting that the others have already given.
    static readonly TimeSpan PatienceWithFailing = TimeSpan.FromSeconds(5);

    // How long the last writes behind the caller's back may take when the set is closed.
    static readonly TimeSpan ClosingTime = TimeSpan.FromSeconds(10);

    // Writes going on behind the caller's back keep their content in memory; a repository further behind is caught up from another one.
    const int MostUnderway = 8;

    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly CancellationTokenSource _closing = new();
    readonly ConcurrentDictionary<Task, (ObservedObjectStore Store, IReadOnlyList<string> Keys)> _underway = new();
    readonly ConcurrentDictionary<string, string> _unanswered = new(StringComparer.Ordinal);
    readonly IReadOnlyList<ObservedObjectStore> _stores;
    int _isDisposed;

    /// <summary>Makes one mirror of several repositories.</summary>
    /// <param name="stores">The repositories in configured order; at least one. Disposed with the set.</param>
    /// <param name="required">How many must hold an object before it counts, 1 to all.</param>
    /// <param name="debts">What the others lack.</param>
    /// <param name="clock">Source of time.</param>
    /// <param name="log">Told which repository has trouble.</param>
    public RepositorySet(IReadOnlyList<IObjectStore> stores, int required, DebtLedger debts, TimeProvider clock, ILogger log)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(required, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(required, stores.Count);
        _stores = [.. stores.Select(s => s as ObservedObjectStore ?? new ObservedObjectStore(s, new RepositoryHealth(clock), clock))];
        (Required, Debts, _clock, _log) = (required, debts, clock, log);
    }

    /// <summary>The repositories in configured order; at least one.</summary>
    public IReadOnlyList<IObjectStore> Stores => _stores;

    /// <summary>How many repositories must hold an object before it counts.</summary>
    public int Required { get; }

    /// <summary>What repositories lack although it is acknowledged.</summary>
    public DebtLedger Debts { get; }

    /// <summary>Names for messages: "local, offsite".</summary>
    public string Names => string.Join(", ", _stores.Select(s => s.Name));

    /// <summary>Repositories that <see cref="AskAllAsync"/> had to go on without, each with the reason.</summary>
    public IReadOnlyDictionary<string, string> Unanswered => _unanswered;

    /// <summary>Names of the repositories that are not <see cref="Unanswered"/>, in configured order.</summary>
    public IReadOnlyList<string> Answered => [.. _stores.Select(s => s.Name).Where(name => !_unanswered.ContainsKey(name))];

    /// <summary>Whether so many are <see cref="Unanswered"/> that the others may lack what was acknowledged: with N of M required, it takes M - N + 1.</summary>
    public bool IsIncomplete => _unanswered.Count >= Required;

    /// <summary>The repositories in the order in which reading asks them: those that work first, then by the time their answers take.</summary>
    public IReadOnlyList<IObjectStore> InReadOrder => [.. _stores.OrderBy(s => s.Health.Failing is null ? 0 : 1).ThenBy(s => s.Health.Latency)];

    /// <summary>How a repository has been doing.</summary>
    public RepositoryHealth HealthOf(IObjectStore store) => _stores.First(s => s.Name == store.Name).Health;

    /// <summary>Whether an object is on its way to a repository, behind the back of a write that has ended.</summary>
    public bool IsUnderway(IObjectStore store, string key) => _underway.Values.Any(u => u.Store.Name == store.Name && u.Keys.Contains(key));

    /// <summary>Runs one piece of work on every repository at once; the first failure is the answer after all have ended.</summary>
    public Task OnEachAsync(Func<IObjectStore, Task> work) => _stores.Count == 1 ? work(_stores[0]) : Task.WhenAll(_stores.Select(work));

    /// <summary>
    /// Writes to all repositories at once. Returns when as many as required have done it, durably, and what the others lack is
    /// written down; with all required, when all have done it.
    /// </summary>
    /// <param name="keys">The objects that are written; owed to a repository that does not get them. None: it is owed nothing.</param>
    /// <param name="laggards">What becomes of those that are slower.</param>
    /// <param name="write">Writes to one repository; may be told to stop.</param>
    /// <param name="cancellation">Ends the write as long as it has not been acknowledged.</param>
    /// <param name="isReady">Whether a repository holds what must be there before these objects; one that does not is owed them.</param>
    /// <exception cref="StorageException">Too few repositories could take it.</exception>
    /// <exception cref="RepositoryUnavailableException">Too few repositories are ready for it.</exception>
    public async Task WriteAsync(
        IReadOnlyList<string> keys,
        Laggards laggards,
        Func<IObjectStore, CancellationToken, Task> write,
        CancellationToken cancellation,
        Func<IObjectStore, bool>? isReady = null)
    {
        if (Required == _stores.Count)
        {
            await OnEachAsync(store => write(store, cancellation));
            return;
        }

        var unready = _stores.Where(s => isReady?.Invoke(s) == false).ToArray();
        if (_stores.Count - unready.Length < Required)
        {
            throw new RepositoryUnavailableException(
                $"{string.Join(", ", unready.Select(s => s.Name))}: owed what {(keys.Count > 0 ? keys[0] : "this")} depends on, and {RepositoryCount.Text(Required)} must hold it",
                "try again: what is owed is caught up by `pitr agent`, or with `pitr repo catch-up`");
        }

        var passedOver = unready.Concat(_stores.Except(unready).Where(IsPassedOver).Take(_stores.Count - unready.Length - Required)).ToArray();
        var quorum = new QuorumWrite(Required, keys, _stores.Except(passedOver), passedOver, write, Debts, _clock, _log, _closing.Token);
        foreach (var (store, ended) in await quorum.RunAsync(laggards, cancellation))
        {
            _underway[ended] = (store, keys);
            _ = ended.ContinueWith(task => _underway.TryRemove(task, out _), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    /// <summary>Puts the same object into the repositories, as <see cref="WriteAsync"/> does; the content may be used again afterwards.</summary>
    /// <param name="key">The object.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="mode">Whether an object of this name may be there.</param>
    /// <param name="cancellation">Ends the write as long as it has not been acknowledged.</param>
    /// <param name="isReady">As for <see cref="WriteAsync"/>.</param>
    public Task PutAsync(string key, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellation, Func<IObjectStore, bool>? isReady = null) => WriteAsync(
        [key], Laggards.Await, (store, token) => store.PutAsync(key, ObjectContent.FromMemory(content), mode, token), cancellation, isReady);

    /// <summary>
    /// Asks one repository after the other, in <see cref="InReadOrder"/>, until one gives a good answer. The next is asked when one has
    /// failed, or has kept silent for a while; the first good answer counts. A damaged copy is no good answer.
    /// </summary>
    /// <typeparam name="T">The answer; disposed when it comes second.</typeparam>
    /// <param name="ask">Asks one repository. May run for several repositories at a time.</param>
    /// <param name="cancellation">Ends the asking.</param>
    public Task<Asked<T>> AskFirstAsync<T>(Func<IObjectStore, CancellationToken, Task<T>> ask, CancellationToken cancellation) =>
        AskFirstAsync(InReadOrder, ask, cancellation);

    /// <summary>As the other, for an answer that takes its time because it is large.</summary>
    /// <param name="ask">Asks one repository.</param>
    /// <param name="bytes">How much each answer transfers.</param>
    /// <param name="cancellation">Ends the asking.</param>
    public Task<Asked<T>> AskFirstAsync<T>(Func<IObjectStore, CancellationToken, Task<T>> ask, long bytes, CancellationToken cancellation) =>
        AskFirstAsync(InReadOrder, ask, cancellation, HedgeAfter + TimeSpan.FromSeconds(bytes / SlowestUsefulRate));

    /// <inheritdoc cref="AskFirstAsync{T}(Func{IObjectStore, CancellationToken, Task{T}}, CancellationToken)"/>
    /// <param name="among">The repositories to ask, in this order.</param>
    /// <param name="patience">How long a silent one is waited for before the next is asked as well.</param>
    public Task<Asked<T>> AskFirstAsync<T>(
        IReadOnlyList<IObjectStore> among, Func<IObjectStore, CancellationToken, Task<T>> ask, CancellationToken cancellation, TimeSpan? patience = null) =>
        new HedgedQuestion<T>(among, ask, patience ?? HedgeAfter, _clock, (store, e) => _log.Debug("repository {Repository} gave no good answer: {Reason}", store.Name, e.Message)).RunAsync(cancellation);

    /// <summary>
    /// Asks every repository, and goes on without those in trouble as long as one answers. Who did not is in <see cref="Unanswered"/>, and
    /// warned of; whether the rest must know everything says <see cref="RequireComplete"/>.
    /// </summary>
    /// <exception cref="StorageException">None answered.</exception>
    public async Task<IReadOnlyList<(IObjectStore Store, T Answer)>> AskAllAsync<T>(Func<IObjectStore, CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // One that failed a moment ago has kept the question before this one waiting already.
        var asked = _stores.Where(s => s.Health.MayBeTried).ToArray() is { Length: > 0 } rested ? rested : _stores;
        var running = asked.ToDictionary(store => Task.Run(() => ask(store, stop.Token), stop.Token), store => store);
        var answers = new Dictionary<IObjectStore, T>();
        Exception? failure = null;
        Task? patience = null;
        while (running.Count > 0)
        {
            var ended = answers.Count == 0 ? await Task.WhenAny(running.Keys) : await Task.WhenAny([.. running.Keys, Pause()]);
            cancellation.ThrowIfCancellationRequested();
            if (ended == patience)
            {
                break;
            }

            if (ended is Task<T> answer && running.Remove(answer, out var store))
            {
                try
                {
                    answers.Add(store, await answer);
                    _unanswered.TryRemove(store.Name, out _);
                }
                catch (Exception e) when (e is StorageException or RepositoryUnavailableException)
                {
                    failure ??= e;
                    store.Health.Fail(e.Message);
                    Miss(store, e.Message);
                }
            }
        }

        await stop.CancelAsync();
        await ((Task)Task.WhenAll(running.Keys)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var store in running.Values.Concat(_stores.Except(asked)))
        {
            Miss(store, store.Health.Failing ?? "it did not answer");
        }

        return answers.Count > 0
            ? [.. _stores.Where(answers.ContainsKey).Select(store => ((IObjectStore)store, answers[store]))]
            : throw failure!;

        // Those that work may take their time; those in trouble get a little. Whether one has begun to fail is looked at now and then.
        Task Pause() => running.Values.All(s => s.Health.Failing is not null)
            ? patience ??= Task.Delay(PatienceWithFailing, _clock, stop.Token)
            : Task.Delay(TimeSpan.FromSeconds(1), _clock, stop.Token);
    }

    /// <summary>
    /// Refuses to go on when <see cref="IsIncomplete"/>.
    /// </summary>
    /// <exception cref="RepositoryUnavailableException">Too few answered.</exception>
    public void RequireComplete()
    {
        if (IsIncomplete)
        {
            var reasons = string.Join("; ", _unanswered.Select(u => $"repository {u.Key} could not be asked: {u.Value}"));
            throw new RepositoryUnavailableException(
                $"{reasons}; with {Required} of {_stores.Count} repositories required, it may hold what no other does",
                $"bring it back and try again; to go on without it, with what the others hold, name them: --repository {string.Join(",", Answered)}");
        }
    }

    /// <summary>Reads a small object whole. Null only when every repository answered "no such object".</summary>
    /// <exception cref="StorageException">None has it and at least one could not be asked.</exception>
    public async Task<byte[]?> TryReadAsync(string key, CancellationToken cancellation)
    {
        var asked = await AskFirstAsync((store, token) => store.ReadAllAsync(key, token), cancellation);
        return asked.IsAnswered ? asked.Answer : asked.IsProvenAbsent ? null : throw asked.Failure;
    }

    /// <summary>Makes an empty repository one by creating repository.json; an existing one is only read and its format checked.</summary>
    /// <returns>The repository's document, and whether it was made just now.</returns>
    public static async Task<(RepositoryDocument Document, bool IsNew)> InitialiseAsync(IObjectStore store, TimeProvider clock, CancellationToken cancellation)
    {
        var document = new RepositoryDocument { RepositoryId = Guid.NewGuid().ToString("N"), Created = clock.GetUtcNow() };
        try
        {
            await store.PutAsync(RepositoryLayout.Repository, ObjectContent.FromMemory(document.ToJson()), PutMode.CreateNew, cancellation);
            return (document, IsNew: true);
        }
        catch (ObjectExistsException)
        {
            return (await RequireInitialisedAsync(store, cancellation), IsNew: false);
        }
    }

    /// <summary>
    /// Reads repository.json and refuses a place without one: an unmounted disk or a mistyped URL must not start to fill silently.
    /// </summary>
    public static async Task<RepositoryDocument> RequireInitialisedAsync(IObjectStore store, CancellationToken cancellation) =>
        await ReadDocumentAsync(store, cancellation) ?? throw new RepositoryUnavailableException(
            $"repository {store.Name} ({store.Location}) holds no {RepositoryLayout.Repository}",
            $"is the disk mounted and the URL right? a new repository is made by `pitr repo init {store.Name}`");

    /// <summary>Reads repository.json; null when the repository has none.</summary>
    /// <exception cref="StorageException">The repository could not be asked.</exception>
    /// <exception cref="DamagedRepositoryException">It is there and makes no sense.</exception>
    /// <exception cref="UnsupportedFormatException">A newer program made it.</exception>
    public static async Task<RepositoryDocument?> ReadDocumentAsync(IObjectStore store, CancellationToken cancellation)
    {
        var json = await store.TryReadAllAsync(RepositoryLayout.Repository, cancellation);
        try
        {
            return json is null ? null : RepositoryDocument.Parse(json);
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"{store.Name}: {RepositoryLayout.Repository} is damaged: {e.Message}",
                "bring it back from another copy of the repository",
                e);
        }
    }

    /// <summary>Lets writes end that go on behind a caller's back, for a short time and only to healthy repositories, and closes the repositories.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 1)
        {
            return;
        }

        var healthy = _underway.Where(u => u.Value.Store.Health.Failing is null).Select(u => u.Key);
        using (var waited = new CancellationTokenSource())
        {
            await Task.WhenAny(Task.WhenAll(healthy), Task.Delay(ClosingTime, _clock, waited.Token));
            await waited.CancelAsync();
        }

        await _closing.CancelAsync();
        await Task.WhenAll(_underway.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }

        _closing.Dispose();
    }

    bool IsPassedOver(ObservedObjectStore store) => !store.Health.MayBeTried || _underway.Values.Count(u => u.Store == store) >= MostUnderway;

    void Miss(IObjectStore store, string reason)
    {
        if (_unanswered.TryAdd(store.Name, reason) && _stores.Count > 1)
        {
            _log.Warning("repository {Repository} could not be asked: {Reason}", store.Name, reason);
        }
    }
}
