using System.Text;
using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>
/// Whether the store decides about <c>If-None-Match: *</c>, which is what makes create-if-absent atomic. Stores that do not know it ignore it
/// and overwrite, so it is tried once per store on an object that is there for this purpose only, and that listings do not show.
/// </summary>
sealed class ConditionalWrites(S3Calls calls, S3Requests requests) : IDisposable
{
    /// <summary>The key that is tried on. No object of pitr can have it.</summary>
    public const string MarkerKey = ObjectKey.ReservedPrefix + "create-if-absent";

    static readonly byte[] MarkerText = Encoding.UTF8.GetBytes(
        "pitr writes this object again and again to see whether the store honours \"If-None-Match: *\". It may be deleted at any time.\n");

    readonly SemaphoreSlim _gate = new(1);

    /// <summary>Whether single puts honour it; <see langword="null"/> while nobody asked.</summary>
    public bool? OfPut { get; private set; }

    /// <summary>Whether the completion of an upload in parts honours it; <see langword="null"/> while nobody asked.</summary>
    public bool? OfComplete { get; private set; }

    /// <summary>Finds out about single puts.</summary>
    /// <exception cref="StorageException">The store could not be asked.</exception>
    public Task<bool> HonouredByPutAsync(string? key, CancellationToken cancellationToken) =>
        KnownAsync(() => OfPut, () => TryPutAsync(key, cancellationToken), cancellationToken);

    /// <summary>Finds out about uploads in parts.</summary>
    /// <exception cref="StorageException">The store could not be asked.</exception>
    public async Task<bool> HonouredByCompleteAsync(string? key, CancellationToken cancellationToken) =>
        // The first leaves an object behind for the second to collide with.
        await HonouredByPutAsync(key, cancellationToken)
        && await KnownAsync(() => OfComplete, () => TryCompleteAsync(key, cancellationToken), cancellationToken);

    public void Dispose() => _gate.Dispose();

    async Task<bool> KnownAsync(Func<bool?> known, Func<Task<bool>> ask, CancellationToken cancellationToken)
    {
        if (known() is { } before)
        {
            return before;
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            return known() ?? await ask();
        }
        finally
        {
            _gate.Release();
        }
    }

    async Task<bool> TryPutAsync(string? key, CancellationToken cancellationToken)
    {
        // The first may create the object, where this repository never saw pitr; the second may not.
        var refused = await IsRefusedAsync(key, cancellationToken) || await IsRefusedAsync(key, cancellationToken);
        OfPut = refused;
        return refused;
    }

    Task<bool> IsRefusedAsync(string? key, CancellationToken cancellationToken) =>
        EndsRefusedAsync(() => calls.RunAsync(
            "cannot try create-if-absent",
            key,
            async (client, token) =>
            {
                using var body = new MemoryStream(MarkerText, writable: false);
                return await client.PutObjectAsync(
                    requests.Put(MarkerKey, body, MarkerText.Length, S3Requests.Md5(MarkerText), create: true, retain: false), token);
            },
            cancellationToken));

    async Task<bool> TryCompleteAsync(string? key, CancellationToken cancellationToken)
    {
        var upload = await calls.RunAsync(
            "cannot try create-if-absent",
            key,
            (client, token) => client.InitiateMultipartUploadAsync(requests.Initiate(MarkerKey, retain: false), token),
            cancellationToken);
        var refused = false;
        var completed = false;
        try
        {
            var part = await calls.RunAsync(
                "cannot try create-if-absent",
                key,
                async (client, token) =>
                {
                    using var body = new MemoryStream(MarkerText, writable: false);
                    return await client.UploadPartAsync(
                        requests.Part(MarkerKey, upload.UploadId, 1, body, MarkerText.Length, S3Requests.Md5(MarkerText)), token);
                },
                cancellationToken);
            refused = await EndsRefusedAsync(() => calls.RunAsync(
                "cannot try create-if-absent",
                key,
                (client, token) => client.CompleteMultipartUploadAsync(
                    requests.Complete(MarkerKey, upload.UploadId, [new PartETag(part)], create: true), token),
                cancellationToken));
            completed = !refused;
        }
        finally
        {
            if (!completed)
            {
                await calls.RunAsync(
                    "cannot end the trial of create-if-absent",
                    key,
                    (client, token) => client.AbortMultipartUploadAsync(requests.Abort(MarkerKey, upload.UploadId), token),
                    CancellationToken.None);
            }
        }

        OfComplete = refused;
        return refused;
    }

    static async Task<bool> EndsRefusedAsync<T>(Func<Task<T>> request)
    {
        try
        {
            await request();
            return false;
        }
        catch (StorageException failure) when (failure.InnerException is { } cause && S3Errors.IsTaken(cause))
        {
            return true;
        }
        catch (StorageException failure) when (failure.InnerException is { } cause && S3Errors.IsNotImplemented(cause))
        {
            return false;
        }
    }
}
