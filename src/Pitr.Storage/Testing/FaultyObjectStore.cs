using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Pitr.Storage.Testing;

/// <summary>
/// A store that fails as told, for tests of everything above: before or after the work, in the middle of a read or a listing, with a flipped bit,
/// or by hanging. Without faults it passes everything on. Also counts calls.
/// </summary>
/// <param name="inner">The store that does the work; disposed with this one.</param>
public sealed class FaultyObjectStore(IObjectStore inner) : IObjectStore
{
    readonly ConcurrentQueue<StoreCall> _calls = new();
    volatile StoreFault[] _faults = [];

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public string Location => inner.Location;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <summary>Every call so far, in the order they came.</summary>
    public IReadOnlyList<StoreCall> Calls => [.. _calls];

    /// <summary>Adds a fault and returns it. Of several that match a call, the one added first strikes, alone.</summary>
    public StoreFault Inject(StoreFault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        while (true)
        {
            var before = _faults;
            if (Interlocked.CompareExchange(ref _faults, [.. before, fault], before) == before)
            {
                return fault;
            }
        }
    }

    /// <summary>Removes all faults; what is held stays held until released.</summary>
    public void Heal() => _faults = [];

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectListing> ListAsync(
        string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var fault = await BeginAsync(StoreOperation.List, prefix, cancellationToken);
        var lines = 0L;
        await foreach (var listing in inner.ListAsync(prefix, mode, cancellationToken).WithCancellation(cancellationToken))
        {
            if (fault?.Kind == StoreFaultKind.CutListing && lines++ == fault.Position)
            {
                throw ErrorOf(fault, prefix);
            }

            yield return listing;
        }

        if (fault?.Kind == StoreFaultKind.CutListing)
        {
            throw ErrorOf(fault, prefix);
        }

        await EndAsync(fault, prefix, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken)
    {
        var fault = await BeginAsync(StoreOperation.Stat, key, cancellationToken);
        var info = await inner.StatAsync(key, cancellationToken);
        await EndAsync(fault, key, cancellationToken);
        return info;
    }

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        var fault = await BeginAsync(StoreOperation.Read, key, cancellationToken);
        var stream = await inner.OpenReadAsync(key, range, cancellationToken);
        try
        {
            await EndAsync(fault, key, cancellationToken);
            return fault?.Kind switch
            {
                StoreFaultKind.CutRead => new FaultyReadStream(stream, fault.Position, ErrorOf(fault, key), flip: null),
                StoreFaultKind.TruncateRead => new FaultyReadStream(stream, fault.Position, error: null, flip: null),
                StoreFaultKind.FlipBit => new FaultyReadStream(stream, long.MaxValue, error: null, fault.Position),
                StoreFaultKind.StallRead => new StallingReadStream(stream, fault.Position, fault.Released),
                _ => stream,
            };
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        var fault = await BeginAsync(StoreOperation.Put, key, cancellationToken);
        await inner.PutAsync(key, content, mode, cancellationToken);
        await EndAsync(fault, key, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        var fault = await BeginAsync(StoreOperation.Delete, key, cancellationToken);
        await inner.DeleteAsync(key, cancellationToken);
        await EndAsync(fault, key, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    async Task<StoreFault?> BeginAsync(StoreOperation operation, string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _calls.Enqueue(new StoreCall(operation, key));
        var fault = Array.Find(_faults, fault => fault.Strikes(operation, key));
        switch (fault?.Kind)
        {
            case StoreFaultKind.FailBefore:
                throw ErrorOf(fault, key);
            case StoreFaultKind.Hold:
                await fault.Released.WaitAsync(cancellationToken);
                break;
        }

        return fault;
    }

    async Task EndAsync(StoreFault? fault, string key, CancellationToken cancellationToken)
    {
        switch (fault?.Kind)
        {
            case StoreFaultKind.FailAfter:
                throw ErrorOf(fault, key);
            case StoreFaultKind.HoldAfter:
                await fault.Released.WaitAsync(cancellationToken);
                break;
        }
    }

    Exception ErrorOf(StoreFault fault, string key) =>
        fault.Error ?? new StorageException(Name, key, "failed because a test asked for it", isTransient: true);
}
