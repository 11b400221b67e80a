using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>
/// A repository in a bucket of Amazon S3 or of a store that speaks its protocol: one S3 object per object, its key behind the prefix.
/// An object becomes visible when its put, or the completion of its upload in parts, is answered; S3 knows no half objects.
/// Create-if-absent is <c>If-None-Match: *</c>, decided by the store, where <see cref="ExamineAsync"/> finds that it does.
/// Retries of the SDK are off: each operation is tried once.
/// </summary>
public sealed class S3ObjectStore : IObjectStore
{
    readonly S3Options _options;
    readonly S3Connection _connection;
    readonly S3Errors _errors;
    readonly S3Calls _calls;
    readonly S3Requests _requests;
    readonly ConditionalWrites _conditions;
    readonly S3Upload _upload;
    readonly int _pageSize;

    /// <summary>A store in a bucket. Nothing is opened or asked yet.</summary>
    /// <param name="name">The repository's name in the configuration, for messages.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="timeProvider">The clock for time limits, retention and comparing with the store's.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public S3ObjectStore(string name, S3Options options, TimeProvider timeProvider)
        : this(name, options, timeProvider, S3Limits.Default)
    {
    }

    internal S3ObjectStore(string name, S3Options options, TimeProvider timeProvider, S3Limits limits)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(timeProvider);
        if (options.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(options));
        }

        Name = name;
        _pageSize = limits.PageSize;
        _options = options;
        _connection = new S3Connection(name, options, timeProvider);
        _errors = new S3Errors(name, options, timeProvider);
        _calls = new S3Calls(_connection, options, _errors, timeProvider);
        _requests = new S3Requests(options, timeProvider);
        _conditions = new ConditionalWrites(_calls, _requests);
        _upload = new S3Upload(options, limits, _calls, _requests, _conditions, timeProvider);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Location =>
        $"s3://{_options.Bucket}/{string.Join('/', _options.Prefix.Split('/').Select(Uri.EscapeDataString))}";

    /// <summary>
    /// What is known by now; asks nobody. Until the first create or <see cref="ExamineAsync"/>, the store is taken for one that keeps the
    /// protocol's promises.
    /// </summary>
    public StoreCapabilities Capabilities => new(
        AtomicCreateIfAbsent: _conditions.OfPut != false,
        AtomicReplace: true,
        ReadAfterWrite: true,
        DurableOnReturn: true,
        (_conditions.OfPut, _conditions.OfComplete) switch
        {
            (false, _) => "the store ignores If-None-Match, so of two hosts that create the same object at the same moment both may believe to have won",
            (_, false) => "the store honours If-None-Match only for single puts, so objects above 5 GiB are created without its protection",
            _ => null,
        });

    /// <summary>Asks the store what it supports, as far as that is not known yet, and leaves one hidden object of 130 bytes behind.</summary>
    /// <exception cref="StorageException">The store could not be asked.</exception>
    public async Task<StoreCapabilities> ExamineAsync(CancellationToken cancellationToken)
    {
        await _conditions.HonouredByCompleteAsync(key: null, cancellationToken);
        return Capabilities;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, CancellationToken cancellationToken)
    {
        ObjectKey.ValidatePrefix(prefix, mode);
        return ListPagesAsync(prefix, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        while (true)
        {
            try
            {
                var answer = await _calls.RunAsync(
                    "cannot stat", key, (client, token) => client.GetObjectMetadataAsync(_options.Bucket, _requests.Prefix + key, token),
                    cancellationToken);
                _errors.RequireTag("cannot stat", key, answer.ETag);
                return new ObjectInfo(key, answer.ContentLength, WholeSeconds(answer.LastModified));
            }
            catch (StorageException failure) when (failure.InnerException is AmazonServiceException { StatusCode: HttpStatusCode.NotFound })
            {
                // The answer to HEAD has no body, so it may also mean that there is no bucket; the answer to GET tells.
                if (await IsProvenAbsentAsync(key, cancellationToken))
                {
                    return null;
                }
            }
        }
    }

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        if (range is { Length: 0 })
        {
            // HTTP has no empty ranges.
            var info = await StatAsync(key, cancellationToken) ?? throw new ObjectNotFoundException(Name, key);
            return range.Value.End <= info.Size ? new MemoryStream([], writable: false) : throw PastEnd(key, info.Size, range.Value);
        }

        GetObjectResponse answer;
        try
        {
            answer = await GetAsync("cannot read", key, range, cancellationToken);
        }
        catch (StorageException failure) when (failure.InnerException is { } cause && S3Errors.IsNoSuchKey(cause))
        {
            throw new ObjectNotFoundException(Name, key, failure.InnerException);
        }
        catch (StorageException failure) when (range is not null
            && failure.InnerException is AmazonServiceException { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable })
        {
            var info = await StatAsync(key, cancellationToken) ?? throw new ObjectNotFoundException(Name, key);
            throw PastEnd(key, info.Size, range.Value);
        }

        try
        {
            _errors.RequireTag("cannot read", key, answer.ETag);
            RequireRange(answer, key, range);
            return new S3ReadStream(answer, key, _errors);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        ArgumentNullException.ThrowIfNull(content);
        return _upload.PutAsync(key, content, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        try
        {
            await _calls.RunAsync(
                "cannot delete", key, (client, token) => client.DeleteObjectAsync(_options.Bucket, _requests.Prefix + key, token), cancellationToken);
        }
        catch (StorageException failure) when (failure.InnerException is { } cause && S3Errors.IsNoSuchKey(cause))
        {
            // Most stores call that a success.
        }
    }

    /// <summary>Closes the connections.</summary>
    public ValueTask DisposeAsync()
    {
        _connection.Dispose();
        _conditions.Dispose();
        return ValueTask.CompletedTask;
    }

    Task<GetObjectResponse> GetAsync(string what, string key, ByteRange? range, CancellationToken cancellationToken) =>
        _calls.RunAsync(
            what,
            key,
            (client, token) => client.GetObjectAsync(
                new GetObjectRequest
                {
                    BucketName = _options.Bucket,
                    Key = _requests.Prefix + key,
                    ByteRange = range is { } part ? new Amazon.S3.Model.ByteRange(part.Offset, part.End - 1) : null,
                },
                token),
            cancellationToken);

    async Task<bool> IsProvenAbsentAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            using var found = await GetAsync("cannot stat", key, new ByteRange(0, 1), cancellationToken);
            return false;
        }
        catch (StorageException failure) when (failure.InnerException is { } cause && S3Errors.IsNoSuchKey(cause))
        {
            return true;
        }
        catch (StorageException failure) when (failure.InnerException is AmazonServiceException { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable })
        {
            // It came into being meanwhile, and is empty.
            return false;
        }
    }

    void RequireRange(GetObjectResponse answer, string key, ByteRange? range)
    {
        if (range is not { } part || answer.ContentLength == part.Length && (part.Offset == 0 || answer.HttpStatusCode == HttpStatusCode.PartialContent))
        {
            return;
        }

        if (answer.HttpStatusCode != HttpStatusCode.PartialContent && part.End <= answer.ContentLength)
        {
            throw _errors.Error(key, "the store ignores the range asked for", transient: false, "a store without ranged reads cannot serve as a repository");
        }

        // "bytes 0-99/100" (RFC 9110 §14.4)
        var total = answer.ContentRange?.Split('/')[^1];
        throw PastEnd(
            key,
            long.TryParse(total, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : part.Offset + answer.ContentLength,
            part);
    }

    StorageException PastEnd(string key, long size, ByteRange part) =>
        _errors.Error(key, $"is {size} bytes long, so it has no {part}", transient: false);

    async IAsyncEnumerable<ObjectListing> ListPagesAsync(
        string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? next = null;
        string? last = null;
        do
        {
            var page = await _calls.RunAsync(
                "cannot list",
                prefix,
                (client, token) => client.ListObjectsV2Async(
                    new ListObjectsV2Request
                    {
                        BucketName = _options.Bucket,
                        Prefix = _requests.Prefix + prefix,
                        Delimiter = mode == ListMode.Children ? "/" : null,
                        MaxKeys = _pageSize,
                        ContinuationToken = next,
                    },
                    token),
                cancellationToken);
            if (page.IsTruncated is null)
            {
                // Anything that is XML would pass for an empty listing.
                throw _errors.NotS3("cannot list", prefix);
            }

            foreach (var listing in Merge(page))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (last is not null && ObjectKey.Compare(listing.Key, last) <= 0)
                {
                    throw _errors.Error(
                        prefix, $"the store lists \"{listing.Key}\" after \"{last}\"", transient: false,
                        "pitr needs listings in the order of UTF-8 bytes, which directory buckets (S3 Express) do not give");
                }

                last = listing.Key;
                yield return listing;
            }

            next = page.IsTruncated == true
                ? page.NextContinuationToken ?? throw _errors.Error(prefix, "the store cut the listing without saying how to go on", transient: false)
                : null;
        }
        while (next is not null);
    }

    /// <summary>Objects and sub-prefixes of a page in one order. What cannot be a key of pitr is not shown.</summary>
    IEnumerable<ObjectListing> Merge(ListObjectsV2Response page)
    {
        var objects = (page.S3Objects ?? [])
            .Select(found => new ObjectListing(found.Key[_requests.Prefix.Length..], found.Size ?? 0, WholeSeconds(found.LastModified), IsPrefix: false))
            .Where(listing => ObjectKey.IsValid(listing.Key));
        var prefixes = (page.CommonPrefixes ?? [])
            .Select(found => new ObjectListing(found[_requests.Prefix.Length..], 0, DateTimeOffset.UnixEpoch, IsPrefix: true))
            .Where(listing => ObjectKey.IsValid(listing.Key[..^1]));
        return objects.Concat(prefixes).Order(Comparer<ObjectListing>.Create(static (left, right) => ObjectKey.Compare(left.Key, right.Key)));
    }

    // Listings tell milliseconds, headers do not.
    static DateTimeOffset WholeSeconds(DateTime? time)
    {
        var utc = (time ?? DateTime.UnixEpoch).ToUniversalTime();
        return new DateTimeOffset(utc.Ticks - (utc.Ticks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
    }
}
