namespace Pitr.Storage.S3;

/// <summary>Where a request names the bucket.</summary>
public enum S3AddressingStyle
{
    /// <summary>In the path when an endpoint is given, in the host name on Amazon.</summary>
    Auto,

    /// <summary><c>https://endpoint/bucket/key</c>: works everywhere but on new Amazon features.</summary>
    Path,

    /// <summary><c>https://bucket.endpoint/key</c>: needs DNS and a certificate for every bucket.</summary>
    Virtual,
}
