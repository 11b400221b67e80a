namespace Pitr.Storage;

/// <summary>
/// A repository as a flat space of whole, immutable objects addressed by key. Every driver keeps the same promises:
/// <list type="bullet">
/// <item>A reader sees a whole object or none. Neither a crash, a kill, a full disk nor a cancellation in the middle of
/// <see cref="PutAsync"/> leaves a part of an object, or anything else that <see cref="ListAsync"/> shows.</item>
/// <item><see cref="PutAsync"/> and <see cref="DeleteAsync"/> return only when their effect survives a power cut
/// (unless <see cref="Capabilities"/> says otherwise).</item>
/// <item>"Absent" is an answer, never a guess: whatever keeps a store from knowing is a <see cref="StorageException"/>.</item>
/// <item>An object is never also the prefix of another: where <c>a</c> is an object, <c>a/b</c> is not used, and the other way round.</item>
/// </list>
/// Keys are checked by <see cref="ObjectKey.Validate"/>; an invalid one is an <see cref="ArgumentException"/>.
/// All members may be called concurrently. Drivers classify their errors (<see cref="StorageException.IsTransient"/>)
/// and never retry; <see cref="Retry.RetryingObjectStore"/> does.
/// </summary>
public interface IObjectStore : IAsyncDisposable
{
    /// <summary>The repository's name in the configuration, for messages.</summary>
    string Name { get; }

    /// <summary>Where the repository is: a URL without secrets.</summary>
    string Location { get; }

    /// <summary>What this store can really promise, as far as it knows by now.</summary>
    StoreCapabilities Capabilities { get; }

    /// <summary>
    /// Lists the objects whose keys start with <paramref name="prefix"/>, in the order of <see cref="ObjectKey.Compare"/>.
    /// A prefix below which there is nothing gives an empty listing. Objects that come or go meanwhile may or may not be shown.
    /// </summary>
    /// <param name="prefix">Empty for everything. With <see cref="ListMode.Children"/> empty or ending in <c>/</c>.</param>
    /// <param name="mode">
    /// <see cref="ListMode.Children"/> reports the objects directly below the prefix, and each sub-prefix once, with its trailing <c>/</c>.
    /// A sub-prefix may turn out to hold nothing, when the only put into it was cut short by a crash.
    /// </param>
    /// <param name="cancellationToken">Ends the listing with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="StorageException">The listing is unknown or incomplete; what was reported so far is true.</exception>
    IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, CancellationToken cancellationToken);

    /// <summary>Size and time of an object; <see langword="null"/> only when it is proven absent.</summary>
    /// <exception cref="StorageException">The store could not find out.</exception>
    Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken);

    /// <summary>
    /// Opens an object, or a range of it, for reading from beginning to end. The stream gives exactly the bytes asked for:
    /// losing the rest half-way is a <see cref="StorageException"/> from the read, never an early end.
    /// </summary>
    /// <exception cref="ObjectNotFoundException">The object is proven absent.</exception>
    /// <exception cref="StorageException">
    /// The store could not find out or could not read; permanent when the range reaches past the object's end.
    /// </exception>
    Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken);

    /// <summary>Stores an object, whole and durably, or nothing at all.</summary>
    /// <exception cref="ObjectExistsException">
    /// <see cref="PutMode.CreateNew"/>, and the key is taken: the store itself decided, so of two racing creators exactly one wins.
    /// The object that exists is as durable as one just put.
    /// </exception>
    /// <exception cref="StorageException">
    /// The object was not stored, or (transient) the store could not tell whether it was.
    /// </exception>
    Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken);

    /// <summary>Removes an object. Removing what is absent succeeds.</summary>
    /// <exception cref="StorageException">The object may still be there.</exception>
    Task DeleteAsync(string key, CancellationToken cancellationToken);
}
