namespace Pitr.Storage.S3;

/// <summary>What the store encrypts with at rest, on top of the sealing that pitr does anyway.</summary>
public enum S3Encryption
{
    /// <summary>No header is sent; the bucket's default applies.</summary>
    None,

    /// <summary>Keys of the store (SSE-S3, <c>AES256</c>).</summary>
    S3,

    /// <summary>A key of the key management service (SSE-KMS, <c>aws:kms</c>).</summary>
    Kms,
}
