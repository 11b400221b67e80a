namespace Pitr.Storage.Testing;

/// <summary>
/// One thing that goes wrong, made by the factory methods and handed to <see cref="FaultyObjectStore.Inject"/>. It strikes the next call of its
/// operation, once, unless <see cref="On"/>, <see cref="After"/> and <see cref="Repeated"/> say otherwise.
/// </summary>
public sealed class StoreFault
{
    readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Predicate<string> _matches = static _ => true;
    int _skip;
    int _times = 1;
    int _seen;

    StoreFault(StoreOperation operation, StoreFaultKind kind, long position = 0, Exception? error = null)
    {
        Operation = operation;
        Kind = kind;
        Position = position;
        Error = error;
    }

    /// <summary>Which operation it strikes.</summary>
    public StoreOperation Operation { get; }

    /// <summary>Completes when a call has met this fault.</summary>
    public Task Reached => _reached.Task;

    internal StoreFaultKind Kind { get; }

    internal long Position { get; }

    internal Exception? Error { get; }

    internal Task Released => _released.Task;

    /// <summary>The operation fails and has done nothing. A transient <see cref="StorageException"/> unless another error is given.</summary>
    public static StoreFault FailBefore(StoreOperation operation, Exception? error = null) => new(operation, StoreFaultKind.FailBefore, 0, error);

    /// <summary>The operation does its work, and then fails: the answer was lost.</summary>
    public static StoreFault FailAfter(StoreOperation operation, Exception? error = null) => new(operation, StoreFaultKind.FailAfter, 0, error);

    /// <summary>The stream of a read fails when it has given this many bytes.</summary>
    public static StoreFault CutRead(long afterBytes, Exception? error = null) => new(StoreOperation.Read, StoreFaultKind.CutRead, afterBytes, error);

    /// <summary>The stream of a read ends after this many bytes as if that were all: a store that breaks its promise.</summary>
    public static StoreFault TruncateRead(long afterBytes) => new(StoreOperation.Read, StoreFaultKind.TruncateRead, afterBytes);

    /// <summary>The stream of a read gives one bit wrongly: bit <paramref name="bit"/> modulo 8 of byte <paramref name="bit"/> / 8 of what was asked for.</summary>
    public static StoreFault FlipBit(long bit) => new(StoreOperation.Read, StoreFaultKind.FlipBit, bit);

    /// <summary>The stream of a read waits behind this many bytes, until <see cref="Release"/> or cancellation.</summary>
    public static StoreFault StallRead(long afterBytes) => new(StoreOperation.Read, StoreFaultKind.StallRead, afterBytes);

    /// <summary>A listing fails after it has reported this many lines.</summary>
    public static StoreFault CutListing(int afterLines, Exception? error = null) =>
        new(StoreOperation.List, StoreFaultKind.CutListing, afterLines, error);

    /// <summary>The operation waits, having done nothing, until <see cref="Release"/> or cancellation.</summary>
    public static StoreFault Hold(StoreOperation operation) => new(operation, StoreFaultKind.Hold);

    /// <summary>The operation does its work, and then waits until <see cref="Release"/> or cancellation.</summary>
    public static StoreFault HoldAfter(StoreOperation operation) => new(operation, StoreFaultKind.HoldAfter);

    /// <summary>Strikes only these keys (for a listing: prefixes).</summary>
    public StoreFault On(Predicate<string> keys)
    {
        _matches = keys;
        return this;
    }

    /// <summary>Lets this many matching calls pass first.</summary>
    public StoreFault After(int calls)
    {
        _skip = calls;
        return this;
    }

    /// <summary>Strikes this many matching calls; <see cref="int.MaxValue"/> for ever.</summary>
    public StoreFault Repeated(int times)
    {
        _times = times;
        return this;
    }

    /// <summary>Lets held operations go on, also those that come later.</summary>
    public void Release() => _released.TrySetResult();

    internal bool Strikes(StoreOperation operation, string key)
    {
        if (operation != Operation || !_matches(key))
        {
            return false;
        }

        var seen = Interlocked.Increment(ref _seen);
        if (seen <= _skip || seen > (long)_skip + _times)
        {
            return false;
        }

        _reached.TrySetResult();
        return true;
    }
}
