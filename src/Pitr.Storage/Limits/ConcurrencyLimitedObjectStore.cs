using System.Runtime.CompilerServices;

namespace Pitr.Storage.Limits;

/// <summary>
/// Lets a number of operations into a store at a time; the others wait in the order they came. A read holds its place until its stream is disposed.
/// A listing holds one only while it asks for its next entries: those who act on what they are shown need places of their own meanwhile.
/// Whoever reads an object while holding another open needs two places.
/// </summary>
public sealed class ConcurrencyLimitedObjectStore : IObjectStore
{
    readonly IObjectStore _inner;

    // Not disposed: a stream may give its place back after the store is closed, and without a wait handle there is nothing to free.
    readonly SemaphoreSlim _places;

    /// <summary>Wraps a store, which is disposed with this one.</summary>
    /// <param name="inner">The store to protect.</param>
    /// <param name="operations">How many operations may be under way; 1 or more.</param>
    public ConcurrencyLimitedObjectStore(IObjectStore inner, int operations)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentOutOfRangeException.ThrowIfLessThan(operations, 1);
        _inner = inner;
        _places = new SemaphoreSlim(operations);
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
        return ListInTurnAsync(prefix, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken)
    {
        using var place = await TakePlaceAsync(cancellationToken);
        return await _inner.StatAsync(key, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        var place = await TakePlaceAsync(cancellationToken);
        try
        {
            return new PlaceHoldingStream(await _inner.OpenReadAsync(key, range, cancellationToken), place);
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        using var place = await TakePlaceAsync(cancellationToken);
        await _inner.PutAsync(key, content, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        using var place = await TakePlaceAsync(cancellationToken);
        await _inner.DeleteAsync(key, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    async IAsyncEnumerable<ObjectListing> ListInTurnAsync(
        string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var listing = _inner.ListAsync(prefix, mode, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            using (await TakePlaceAsync(cancellationToken))
            {
                if (!await listing.MoveNextAsync())
                {
                    yield break;
                }
            }

            yield return listing.Current;
        }
    }

    async ValueTask<Place> TakePlaceAsync(CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        return new Place(_places);
    }

    /// <summary>One operation's place, which is given back once.</summary>
    sealed class Place(SemaphoreSlim places) : IDisposable
    {
        SemaphoreSlim? _places = places;

        public void Dispose() => Interlocked.Exchange(ref _places, null)?.Release();
    }

    /// <summary>An open object, whose place goes back when it is disposed, however that ends.</summary>
    sealed class PlaceHoldingStream(Stream inner, Place place) : ForwardReadStream
    {
        public override int Read(Span<byte> buffer) => inner.Read(buffer);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.ReadAsync(buffer, cancellationToken);

        public override async ValueTask DisposeAsync()
        {
            using (place)
            {
                await inner.DisposeAsync();
            }

            GC.SuppressFinalize(this);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                using (place)
                {
                    inner.Dispose();
                }
            }

            base.Dispose(disposing);
        }
    }
}
