namespace Pitr.Storage.S3;

/// <summary>What decides whether a key is taken.</summary>
sealed class ObjectCreation(S3Options options, S3Calls calls, S3Requests requests)
{
    /// <summary>Asks whether a key is free. Somebody else may take it a moment later.</summary>
    /// <exception cref="ObjectExistsException">It is taken.</exception>
    public async Task RequireAbsentAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            await calls.RunAsync(
                "cannot look whether it exists", key, (client, token) => client.GetObjectMetadataAsync(options.Bucket, requests.Prefix + key, token),
                cancellationToken);
        }
        catch (StorageException failure) when (failure.InnerException is Amazon.Runtime.AmazonServiceException { StatusCode: System.Net.HttpStatusCode.NotFound })
        {
            return;
        }

        throw new ObjectExistsException(calls.Errors.Repository, key);
    }

    /// <summary>Makes a request that the store refuses where a key is taken.</summary>
    /// <exception cref="ObjectExistsException">It did.</exception>
    public async Task RunAsync<T>(string key, Func<Task<T>> request)
    {
        try
        {
            await request();
        }
        catch (StorageException failure) when (failure.InnerException is { } cause && S3Errors.IsTaken(cause))
        {
            throw new ObjectExistsException(calls.Errors.Repository, key, cause);
        }
    }
}
