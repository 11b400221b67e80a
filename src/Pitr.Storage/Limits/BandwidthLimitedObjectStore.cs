namespace Pitr.Storage.Limits;

/// <summary>
/// Holds the contents of objects, not names and listings, to a rate in each direction that all operations on the store share.
/// What is sent is held back by the driver, which alone knows when bytes leave: many read a content before they send it, to sign it or to take
/// its checksum, and some read it twice, so reading is free and sending is paid for, slice by slice. The content carries the limit to the driver.
/// What is received is held back here: a driver asks no further ahead of its reader than its window.
/// Belongs around a driver and inside <see cref="Retry.RetryingObjectStore"/>, so what has to be sent again is paid for again.
/// </summary>
public sealed class BandwidthLimitedObjectStore : IObjectStore
{
    readonly IObjectStore _inner;
    readonly BandwidthLimit? _upload;
    readonly BandwidthLimit? _download;

    /// <summary>Wraps a store, which is disposed with this one.</summary>
    /// <param name="inner">The store to hold back.</param>
    /// <param name="upload">The rate of what is put; <see langword="null"/> for none.</param>
    /// <param name="download">The rate of what is read; <see langword="null"/> for none.</param>
    public BandwidthLimitedObjectStore(IObjectStore inner, BandwidthLimit? upload, BandwidthLimit? download)
    {
        ArgumentNullException.ThrowIfNull(inner);
        _inner = inner;
        _upload = upload;
        _download = download;
    }

    /// <inheritdoc/>
    public string Name => _inner.Name;

    /// <inheritdoc/>
    public string Location => _inner.Location;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => _inner.Capabilities;

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, CancellationToken cancellationToken) =>
        _inner.ListAsync(prefix, mode, cancellationToken);

    /// <inheritdoc/>
    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) => _inner.StatAsync(key, cancellationToken);

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        var stream = await _inner.OpenReadAsync(key, range, cancellationToken);
        return _download is null ? stream : new LimitedReadStream(stream, _download);
    }

    /// <inheritdoc/>
    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        return _inner.PutAsync(key, _upload is null ? content : new LimitedContent(content, _upload), mode, cancellationToken);
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken) => _inner.DeleteAsync(key, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _inner.DisposeAsync();
}
