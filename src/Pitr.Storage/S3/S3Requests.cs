using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>Writes requests as the options want them: bucket, prefix, storage class, encryption, retention.</summary>
sealed class S3Requests(S3Options options, TimeProvider timeProvider)
{
    const string Anything = "*";

    readonly string _prefix = options.Prefix.Length == 0 ? "" : options.Prefix + "/";

    /// <summary>What stands before every key in the bucket.</summary>
    public string Prefix => _prefix;

    /// <summary>The form of <c>Content-MD5</c> (RFC 1864).</summary>
    [SuppressMessage("Security", "CA5351", Justification = "Content-MD5 guards against accidents; sealing guards against attackers.")]
    public static string Md5(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(MD5.HashData(bytes));

    /// <summary>A single put.</summary>
    public PutObjectRequest Put(string key, Stream body, long length, string? md5, bool create, bool retain)
    {
        var request = new PutObjectRequest
        {
            BucketName = options.Bucket,
            Key = _prefix + key,
            InputStream = body,
            AutoCloseStream = false,
            AutoResetStreamPosition = false,
            UseChunkEncoding = false,
            ContentType = "application/octet-stream",
            MD5Digest = options.ChecksumMode == S3ChecksumMode.WhenRequired ? md5 : null,
            IfNoneMatch = create ? Anything : null,
            StorageClass = options.StorageClass is null ? null : S3StorageClass.FindValue(options.StorageClass),
        };
        request.Headers.ContentLength = length;
        if (Encryption is { } method)
        {
            request.ServerSideEncryptionMethod = method;
            request.ServerSideEncryptionKeyManagementServiceKeyId = options.KmsKeyId;
        }

        if (retain && Retention is { } mode)
        {
            request.ObjectLockMode = mode;
            request.ObjectLockRetainUntilDate = RetainUntil;
        }

        return request;
    }

    /// <summary>The beginning of an upload in parts.</summary>
    public InitiateMultipartUploadRequest Initiate(string key, bool retain)
    {
        var request = new InitiateMultipartUploadRequest
        {
            BucketName = options.Bucket,
            Key = _prefix + key,
            ContentType = "application/octet-stream",
            StorageClass = options.StorageClass is null ? null : S3StorageClass.FindValue(options.StorageClass),
        };
        if (Encryption is { } method)
        {
            request.ServerSideEncryptionMethod = method;
            request.ServerSideEncryptionKeyManagementServiceKeyId = options.KmsKeyId;
        }

        if (retain && Retention is { } mode)
        {
            request.ObjectLockMode = mode;
            request.ObjectLockRetainUntilDate = RetainUntil;
        }

        return request;
    }

    /// <summary>A part, with its Content-MD5 where that is known beforehand.</summary>
    public UploadPartRequest Part(string key, string uploadId, int number, Stream body, long length, string? md5) => new()
    {
        BucketName = options.Bucket,
        Key = _prefix + key,
        UploadId = uploadId,
        PartNumber = number,
        InputStream = body,
        PartSize = length,
        UseChunkEncoding = false,
        // Lets the SDK take a stream that cannot be read twice.
        DisablePayloadSigning = md5 is null,
        DisableDefaultChecksumValidation = md5 is null,
        MD5Digest = options.ChecksumMode == S3ChecksumMode.WhenRequired ? md5 : null,
    };

    /// <summary>The end of an upload in parts, which makes the object.</summary>
    public CompleteMultipartUploadRequest Complete(string key, string uploadId, List<PartETag> parts, bool create) => new()
    {
        BucketName = options.Bucket,
        Key = _prefix + key,
        UploadId = uploadId,
        PartETags = parts,
        IfNoneMatch = create ? Anything : null,
    };

    /// <summary>A retention for an object that is there; null when none is wanted.</summary>
    public PutObjectRetentionRequest? Retain(string key) => options.ObjectLockMode == S3ObjectLockMode.None ? null : new PutObjectRetentionRequest
    {
        BucketName = options.Bucket,
        Key = _prefix + key,
        Retention = new ObjectLockRetention
        {
            Mode = options.ObjectLockMode == S3ObjectLockMode.Compliance ? ObjectLockRetentionMode.Compliance : ObjectLockRetentionMode.Governance,
            RetainUntilDate = RetainUntil,
        },
    };

    /// <summary>The end of an upload in parts, which leaves nothing.</summary>
    public AbortMultipartUploadRequest Abort(string key, string uploadId) =>
        new() { BucketName = options.Bucket, Key = _prefix + key, UploadId = uploadId };

    ServerSideEncryptionMethod? Encryption => options.Encryption switch
    {
        S3Encryption.S3 => ServerSideEncryptionMethod.AES256,
        S3Encryption.Kms => ServerSideEncryptionMethod.AWSKMS,
        _ => null,
    };

    ObjectLockMode? Retention => options.ObjectLockMode switch
    {
        S3ObjectLockMode.Governance => ObjectLockMode.Governance,
        S3ObjectLockMode.Compliance => ObjectLockMode.Compliance,
        _ => null,
    };

    DateTime RetainUntil => timeProvider.GetUtcNow().AddDays(options.ObjectLockDays).UtcDateTime;
}
