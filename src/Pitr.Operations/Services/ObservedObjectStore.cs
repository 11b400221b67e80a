using System.Runtime.CompilerServices;
using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>Keeps a repository's <see cref="RepositoryHealth"/> up to date by what comes of each operation.</summary>
/// <param name="inner">The repository, disposed with this one.</param>
/// <param name="health">Its health; retries below report into the same one, so that trouble is known before an operation is given up.</param>
/// <param name="clock">Source of time.</param>
public sealed class ObservedObjectStore(IObjectStore inner, RepositoryHealth health, TimeProvider clock) : IObjectStore
{
    /// <summary>How it has been doing.</summary>
    public RepositoryHealth Health => health;

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public string Location => inner.Location;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var listing = inner.ListAsync(prefix, mode, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await listing.MoveNextAsync())
                {
                    break;
                }
            }
            catch (StorageException e)
            {
                health.Fail(e.Reason);
                throw;
            }

            yield return listing.Current;
        }

        health.Succeed();
    }

    /// <inheritdoc/>
    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) => ObserveAsync(() => inner.StatAsync(key, cancellationToken), isQuestion: true);

    /// <inheritdoc/>
    public Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken) =>
        ObserveAsync(() => inner.OpenReadAsync(key, range, cancellationToken), isQuestion: true);

    /// <inheritdoc/>
    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken) => ObserveAsync(
        async () =>
        {
            await inner.PutAsync(key, content, mode, cancellationToken);
            return true;
        },
        isQuestion: false);

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken) => ObserveAsync(
        async () =>
        {
            await inner.DeleteAsync(key, cancellationToken);
            return true;
        },
        isQuestion: false);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    async Task<T> ObserveAsync<T>(Func<Task<T>> work, bool isQuestion)
    {
        var started = clock.GetTimestamp();
        try
        {
            var result = await work();
            health.Succeed(isQuestion ? clock.GetElapsedTime(started) : null);
            return result;
        }
        catch (Exception e) when (e is ObjectNotFoundException or ObjectExistsException)
        {
            health.Succeed(isQuestion ? clock.GetElapsedTime(started) : null);
            throw;
        }
        catch (StorageException e)
        {
            health.Fail(e.Reason);
            throw;
        }
    }
}
