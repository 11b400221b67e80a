using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

/// <summary>A place on the test server that belongs to one test, looked at without pitr's driver.</summary>
public sealed class S3Place : IAsyncDisposable
{
    // A bucket with object lock keeps something of an object in parts even when every version is erased; it goes with the server.
    readonly bool _removesBucket;
    readonly S3Server _server;
    readonly AmazonS3Client _client;

    S3Place(S3Server server, string? bucket, string prefix, bool objectLock = false)
    {
        _server = server;
        _removesBucket = bucket is not null && !objectLock;
        Bucket = bucket ?? server.Bucket;
        Prefix = prefix;
        _client = new AmazonS3Client(
            new BasicAWSCredentials(server.AccessKey, server.SecretKey),
            new AmazonS3Config
            {
                ServiceURL = server.Endpoint.AbsoluteUri,
                ForcePathStyle = true,
                AuthenticationRegion = "us-east-1",
                RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
                ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            });
    }

    public string Bucket { get; }

    public string Prefix { get; }

    public S3Options Options => _server.Options(Bucket, Prefix);

    /// <summary>What another process opens.</summary>
    public string ChildStore => _server.ChildStore(Bucket, Prefix);

    public IAmazonS3 Client => _client;

    /// <summary>A prefix of the common bucket.</summary>
    public static S3Place OfPrefix(S3Server server) => new(server, bucket: null, $"test-{Guid.NewGuid():N}/the repository");

    /// <summary>A whole bucket, whose keys may be as long as S3 allows.</summary>
    public static async Task<S3Place> OfBucketAsync(S3Server server, bool objectLock = false)
    {
        var place = new S3Place(server, $"test-{Guid.NewGuid():N}", "", objectLock);
        await place._client.PutBucketAsync(new PutBucketRequest { BucketName = place.Bucket, ObjectLockEnabledForBucket = objectLock });
        return place;
    }

    /// <summary>Uploads in parts that were neither completed nor aborted.</summary>
    public async Task<int> UnfinishedUploadsAsync()
    {
        var uploads = await _client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = Bucket, Prefix = Prefix });
        return uploads.MultipartUploads?.Count ?? 0;
    }

    /// <summary>Removes every version of every object, also where a retention of governance keeps it.</summary>
    public async Task EraseVersionsAsync()
    {
        var versions = await _client.ListVersionsAsync(new ListVersionsRequest { BucketName = Bucket, Prefix = Prefix });
        foreach (var version in versions.Versions ?? [])
        {
            await _client.DeleteObjectAsync(new DeleteObjectRequest
            {
                BucketName = Bucket,
                Key = version.Key,
                VersionId = version.VersionId,
                BypassGovernanceRetention = true,
            });
        }
    }

    public async ValueTask DisposeAsync()
    {
        var uploads = await _client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = Bucket, Prefix = Prefix });
        foreach (var upload in uploads.MultipartUploads ?? [])
        {
            await _client.AbortMultipartUploadAsync(Bucket, upload.Key, upload.UploadId);
        }

        ListObjectsV2Response page;
        do
        {
            page = await _client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Bucket, Prefix = Prefix });
            if (page.S3Objects is { Count: > 0 } found)
            {
                await _client.DeleteObjectsAsync(new DeleteObjectsRequest
                {
                    BucketName = Bucket,
                    Objects = [.. found.Select(item => new KeyVersion { Key = item.Key })],
                    Quiet = true,
                });
            }
        }
        while (page.IsTruncated == true);

        if (_removesBucket)
        {
            await _client.DeleteBucketAsync(Bucket);
        }

        _client.Dispose();
    }
}
