using Amazon.S3;

namespace Pitr.Storage.S3;

/// <summary>Runs single requests: within the time limit, and with errors of the one kind the contract knows.</summary>
sealed class S3Calls(S3Connection connection, S3Options options, S3Errors errors, TimeProvider timeProvider)
{
    public S3Errors Errors => errors;

    /// <summary>Runs a request.</summary>
    /// <param name="what">What fails if it does, such as <c>cannot put</c>.</param>
    /// <param name="key">The object or prefix concerned.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <param name="body">The body that the request sends, if it sends one.</param>
    /// <exception cref="StorageException">It failed; the SDK's own exception is inside.</exception>
    public async Task<T> RunAsync<T>(
        string what, string? key, Func<IAmazonS3, CancellationToken, Task<T>> request, CancellationToken cancellationToken,
        Stream? body = null)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var client = connection.Client;
        using var limit = new RequestClock(options.RequestTimeout, timeProvider);
        if (body is PacedBody paced)
        {
            paced.Clock = limit;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            return await request(client, either.Token);
        }
        catch (Exception failure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw limit.Token.IsCancellationRequested
                ? errors.From(what, key, new TimeoutException($"the request took longer than {options.RequestTimeout.TotalSeconds:0.#} s", failure))
                : errors.From(what, key, failure);
        }
    }
}
