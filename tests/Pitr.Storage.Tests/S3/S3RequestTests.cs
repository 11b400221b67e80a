using Pitr.Storage.Limits;
using Pitr.Storage.Retry;
using Pitr.Storage.S3;
using PutBucketPolicyRequest = Amazon.S3.Model.PutBucketPolicyRequest;

namespace Pitr.Storage.Tests.S3;

/// <summary>
/// What the options make of a request, as a proxy before the real server sees it, and refusals that no second request can help. Where the test
/// server lacks a feature, the proxy answers, and the header that went out is what there is to see.
/// </summary>
[Collection(S3Tests.Name)]
public sealed class S3RequestTests(S3Server server) : IAsyncLifetime
{
    const int Part = (int)S3Options.MinPartSize;
    const string Key = "services/main/wal/object";

    static readonly CancellationToken None = CancellationToken.None;

    readonly FaultProxy _proxy = new(server.Endpoint);
    S3Place _place = null!;

    S3Options Options => _place.Options with { Endpoint = _proxy.Endpoint, MultipartThreshold = Part, PartSize = Part };

    public async Task InitializeAsync() => _place = await S3Place.OfBucketAsync(server);

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task The_storage_class_is_asked_for_with_every_object()
    {
        await using var store = Open(Options with { StorageClass = "STANDARD" });
        await store.PutAsync("small", Contents.Bytes(1000), PutMode.CreateNew, None);
        await store.PutAsync("large", Contents.Bytes(Part + 1), PutMode.Replace, None);
        Assert.Equal("STANDARD", Single("PUT", "/small").Header("x-amz-storage-class"));
        Assert.Equal("STANDARD", Single("POST", "/large?uploads").Header("x-amz-storage-class"));
        Assert.Equal(Contents.Bytes(Part + 1), await store.ReadAllAsync("large", None));
    }

    [Theory]
    [InlineData(S3Encryption.S3, null, "AES256")]
    [InlineData(S3Encryption.Kms, null, "aws:kms")]
    [InlineData(S3Encryption.Kms, "arn:aws:kms:eu-central-1:1:key/pitr", "aws:kms")]
    public async Task Encryption_is_asked_for_with_every_object(S3Encryption encryption, string? key, string method)
    {
        // The test server has no keys to encrypt with, so the proxy confirms in its place.
        _proxy.Fault = static request => request.Method == "PUT"
            ? ProxyFault.Status("200 OK", "ETag: \"0123456789abcdef0123456789abcdef-1\"")
            : request.Target.EndsWith("?uploads", StringComparison.Ordinal) ? ProxyFault.Status("501 Not Implemented") : null;
        await using var store = Open(Options with { Encryption = encryption, KmsKeyId = key });
        await store.PutAsync("small", Contents.Bytes(1000), PutMode.Replace, None);
        await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("large", Contents.Bytes(Part + 1), PutMode.Replace, None));
        foreach (var request in (ProxiedRequest[])[Single("PUT", "/small"), Single("POST", "/large?uploads")])
        {
            Assert.Equal(method, request.Header("x-amz-server-side-encryption"));
            Assert.Equal(key, request.Header("x-amz-server-side-encryption-aws-kms-key-id"));
        }
    }

    [Theory]
    [InlineData(1000, true)]
    [InlineData(1000, false)]
    [InlineData((2 * Part) + 5, true)]
    [InlineData((2 * Part) + 5, false)]
    public async Task Checksums_of_the_newer_kind_go_out_where_wanted_and_are_not_charged_for(int length, bool inMemory)
    {
        var upload = new BandwidthLimit(1L << 40, TimeProvider.System);
        await using var store = new BandwidthLimitedObjectStore(Open(Options with { ChecksumMode = S3ChecksumMode.WhenSupported }), upload, download: null);
        var bytes = Contents.Bytes(length);
        await store.PutAsync(Key, inMemory ? ObjectContent.FromMemory(bytes) : Contents.Streamed(bytes), PutMode.Replace, None);
        Assert.Equal(bytes, await store.ReadAllAsync(Key, None));
        Assert.Equal(length, upload.Taken);
        Assert.All(_proxy.Requests.Where(request => request.Method == "PUT"), request =>
        {
            Assert.NotNull(request.Header("x-amz-checksum-crc32"));
            Assert.Null(request.Header("Content-MD5"));
        });
    }

    [Fact]
    public async Task Keys_come_from_the_environment()
    {
        string[] names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        var before = names.Select(Environment.GetEnvironmentVariable).ToArray();
        try
        {
            Environment.SetEnvironmentVariable(names[0], server.AccessKey);
            Environment.SetEnvironmentVariable(names[1], server.SecretKey);
            await using var store = Open(Options with { Credentials = S3Credentials.FromEnvironment });
            await store.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None);
            Assert.Equal(Contents.Bytes(10), await store.ReadAllAsync(Key, None));
        }
        finally
        {
            Environment.SetEnvironmentVariable(names[0], before[0]);
            Environment.SetEnvironmentVariable(names[1], before[1]);
        }
    }

    [Theory]
    [InlineData("400 Bad Request", "ExpiredToken", "The provided token has expired.")]
    [InlineData("403 Forbidden", "AccessDenied", "Access Denied")]
    [InlineData("403 Forbidden", "QuotaExceeded", "The quota is used up.")]
    [InlineData("507 Insufficient Storage", "InsufficientStorage", "There is no space left.")]
    public async Task What_no_second_attempt_can_help_is_tried_once(string status, string code, string message)
    {
        _proxy.TroublesTrials = true;
        var seen = 0;
        _proxy.Fault = _ =>
        {
            Interlocked.Increment(ref seen);
            return ProxyFault.Body(status, $"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
        };
        await using (var store = new RetryingObjectStore(Open(Options), RetryPolicy.Default, TimeProvider.System))
        {
            var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync(Key, Contents.Bytes(1000), PutMode.Replace, None));
            Assert.False(error.IsTransient);
            Assert.Equal(("offsite", Key), (error.Repository, error.Key));
            Assert.Contains(code, error.Message, StringComparison.Ordinal);
            Assert.NotNull(error.Hint);
            Assert.Equal(1, seen);
        }

        _proxy.Fault = static _ => null;
        await using var second = Open(Options);
        Assert.Empty(await second.KeysAsync());
        await second.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None);
        Assert.Equal([Key], await second.KeysAsync());
    }

    [Fact]
    public async Task A_bucket_that_may_only_be_read_is_told_by_the_server_itself()
    {
        await _place.Client.PutBucketPolicyAsync(new PutBucketPolicyRequest
        {
            BucketName = _place.Bucket,
            Policy = $$"""
                {"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::{{_place.Bucket}}/*"}]}
                """,
        });
        await using var store = new RetryingObjectStore(Open(Options), RetryPolicy.Default, TimeProvider.System);
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync(Key, Contents.Bytes(1000), PutMode.Replace, None));
        Assert.False(error.IsTransient);
        Assert.Contains("AccessDenied", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
        Assert.Single(_proxy.Requests);
        Assert.Null(await store.StatAsync(Key, None));

        await _place.Client.DeleteBucketPolicyAsync(_place.Bucket);
        await store.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None);
    }

    S3ObjectStore Open(S3Options options) => new("offsite", options, TimeProvider.System);

    ProxiedRequest Single(string method, string target) =>
        Assert.Single(_proxy.Requests, request => request.Method == method && request.Target.EndsWith(target, StringComparison.Ordinal));
}
