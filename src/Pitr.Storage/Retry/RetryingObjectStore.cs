using System.Runtime.CompilerServices;

namespace Pitr.Storage.Retry;

/// <summary>
/// Tries again what failed with a transient error, until the policy's deadline: the only place where anything is retried.
/// Permanent errors and cancellation pass at once. A read is tried again until its first bytes have come, not after.
/// A listing goes on behind the last key it reported. A <see cref="PutMode.CreateNew"/> whose earlier attempt may have done its work
/// unseen, and that then finds the key taken by exactly its own bytes, has succeeded.
/// </summary>
public sealed class RetryingObjectStore : IObjectStore
{
    const int FirstRead = 16 * 1024;

    readonly IObjectStore _inner;
    readonly RetryPolicy _policy;
    readonly TimeProvider _timeProvider;
    readonly Action<RetryNotice>? _onRetry;
    readonly Func<double> _random;

    /// <summary>Wraps a store, which is disposed with this one.</summary>
    /// <param name="inner">The store whose errors to retry.</param>
    /// <param name="policy">How long and how often.</param>
    /// <param name="timeProvider">The clock to wait by.</param>
    /// <param name="onRetry">Told before each wait; must not throw.</param>
    public RetryingObjectStore(IObjectStore inner, RetryPolicy policy, TimeProvider timeProvider, Action<RetryNotice>? onRetry = null)
        : this(inner, policy, timeProvider, onRetry, Random.Shared.NextDouble)
    {
    }

    internal RetryingObjectStore(
        IObjectStore inner, RetryPolicy policy, TimeProvider timeProvider, Action<RetryNotice>? onRetry, Func<double> random)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(timeProvider);
        _inner = inner;
        _policy = policy;
        _timeProvider = timeProvider;
        _onRetry = onRetry;
        _random = random;
    }

    /// <inheritdoc/>
    public string Name => _inner.Name;

    /// <inheritdoc/>
    public string Location => _inner.Location;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => _inner.Capabilities;

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, CancellationToken cancellationToken)
    {
        ObjectKey.ValidatePrefix(prefix, mode);
        return ListOnwardsAsync(prefix, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) =>
        RunAsync("stat", key, _ => _inner.StatAsync(key, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken) =>
        RunAsync("read", key, _ => OpenAndReadFirstAsync(key, range, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken) =>
        RunAsync("put", key, attempt => PutOnceAsync(key, content, mode, attempt, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken) =>
        RunAsync(
            "delete",
            key,
            async _ =>
            {
                await _inner.DeleteAsync(key, cancellationToken);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    async Task<T> RunAsync<T>(string operation, string key, Func<int, Task<T>> attempt, CancellationToken cancellationToken)
    {
        var tries = new Tries(this, operation, key);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return await attempt(tries.Failed);
            }
            catch (StorageException failure) when (failure.IsTransient)
            {
                await tries.WaitAsync(failure, cancellationToken);
            }
        }
    }

    async Task<bool> PutOnceAsync(string key, ObjectContent content, PutMode mode, int failed, CancellationToken cancellationToken)
    {
        try
        {
            await _inner.PutAsync(key, content, mode, cancellationToken);
            return true;
        }
        catch (ObjectExistsException) when (failed > 0)
        {
            if (await HoldsAsync(key, content, cancellationToken))
            {
                return true;
            }

            throw;
        }
    }

    async Task<bool> HoldsAsync(string key, ObjectContent content, CancellationToken cancellationToken)
    {
        var info = await _inner.StatAsync(key, cancellationToken);
        if (info?.Size != content.Length)
        {
            return false;
        }

        var stored = await _inner.OpenReadAsync(key, range: null, cancellationToken);
        await using (stored)
        {
            var wanted = content.OpenRead();
            await using (wanted)
            {
                return await SameAsync(stored, wanted, cancellationToken);
            }
        }
    }

    static async Task<bool> SameAsync(Stream left, Stream right, CancellationToken cancellationToken)
    {
        var one = new byte[64 * 1024];
        var other = new byte[one.Length];
        while (true)
        {
            var read = await left.ReadAtLeastAsync(one, one.Length, throwOnEndOfStream: false, cancellationToken);
            var second = await right.ReadAtLeastAsync(other, other.Length, throwOnEndOfStream: false, cancellationToken);
            if (!one.AsSpan(0, read).SequenceEqual(other.AsSpan(0, second)))
            {
                return false;
            }

            if (read < one.Length)
            {
                return true;
            }
        }
    }

    // Reading the first bytes here keeps every retry out of the stream, whose readers may be synchronous.
    async Task<Stream> OpenAndReadFirstAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        var stream = await _inner.OpenReadAsync(key, range, cancellationToken);
        try
        {
            var first = new byte[(int)Math.Min(FirstRead, range?.Length ?? FirstRead)];
            var read = first.Length == 0 ? 0 : await stream.ReadAsync(first, cancellationToken);
            return new BegunStream(first.AsMemory(0, read), stream);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    async IAsyncEnumerable<ObjectListing> ListOnwardsAsync(
        string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? last = null;
        var tries = new Tries(this, "list", prefix);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            StorageException failure;
            await using (var listing = _inner.ListAsync(prefix, mode, cancellationToken).GetAsyncEnumerator(cancellationToken))
            {
                while (true)
                {
                    try
                    {
                        if (!await listing.MoveNextAsync())
                        {
                            yield break;
                        }
                    }
                    catch (StorageException error) when (error.IsTransient)
                    {
                        failure = error;
                        break;
                    }

                    if (last is null || ObjectKey.Compare(listing.Current.Key, last) > 0)
                    {
                        last = listing.Current.Key;
                        tries.Progressed();
                        yield return listing.Current;
                    }
                }
            }

            await tries.WaitAsync(failure, cancellationToken);
        }
    }

    /// <summary>The attempts of one operation.</summary>
    sealed class Tries(RetryingObjectStore store, string operation, string key)
    {
        long _began = store._timeProvider.GetTimestamp();

        public int Failed { get; private set; }

        public void Progressed()
        {
            Failed = 0;
            _began = store._timeProvider.GetTimestamp();
        }

        /// <summary>Waits before the next attempt.</summary>
        /// <exception cref="StorageException">The deadline would be over by then.</exception>
        /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
        public async Task WaitAsync(StorageException failure, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Failed++;
            var delay = store._policy.LimitAfter(Failed) * store._random();
            if (failure.RetryAfter > delay)
            {
                // Asking earlier than told to only makes it worse.
                delay = failure.RetryAfter.Value;
            }

            var elapsed = store._timeProvider.GetElapsedTime(_began);
            if (elapsed + delay > store._policy.Deadline)
            {
                throw new StorageException(
                    failure.Repository,
                    failure.Key,
                    $"{failure.Reason} (gave up after {Failed} {(Failed == 1 ? "attempt" : "attempts")} in {elapsed.TotalSeconds:0.#} s)",
                    isTransient: true,
                    failure.Hint,
                    failure)
                {
                    RetryAfter = failure.RetryAfter,
                };
            }

            store._onRetry?.Invoke(new RetryNotice(operation, key, Failed, delay, failure));
            await Task.Delay(delay, store._timeProvider, cancellationToken);
        }
    }
}
