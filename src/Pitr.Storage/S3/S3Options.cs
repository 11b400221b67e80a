using System.Text;

namespace Pitr.Storage.S3;

/// <summary>Everything that can be said about an S3 repository. Only <see cref="Bucket"/> is always needed.</summary>
public sealed record S3Options : StoreOptions
{
    /// <summary>Smallest part of a multipart upload that stores accept, but for the last.</summary>
    public const long MinPartSize = 5L * 1024 * 1024;

    /// <summary>Largest single put that stores accept.</summary>
    public const long MaxSinglePut = 5L * 1024 * 1024 * 1024;

    /// <summary>Largest part: as much as memory holds of parts at a time.</summary>
    public const long MaxPartSize = 32L * 1024 * 1024;

    /// <summary>Most parts of one object on their way at once.</summary>
    public const int MaxPartsInParallel = 32;

    /// <summary>Longest retention that can be asked for, in days.</summary>
    public const int MaxObjectLockDays = 36_500;

    /// <summary>The bucket, which must exist.</summary>
    public required string Bucket { get; init; }

    /// <summary>What all keys start with in the bucket, without slashes around it; empty for the whole bucket.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The server, <c>http</c> or <c>https</c>, without bucket; Amazon's of the region when <see langword="null"/>.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The region requests are signed for. Stores other than Amazon mostly take any.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>Where the bucket's name goes.</summary>
    public S3AddressingStyle AddressingStyle { get; init; }

    /// <summary>Where the keys come from.</summary>
    public S3Credentials Credentials { get; init; } = S3Credentials.FromEnvironment;

    /// <summary>Such as <c>STANDARD_IA</c>; the bucket's default when <see langword="null"/>. Classes that need a restore before reading do not serve.</summary>
    public string? StorageClass { get; init; }

    /// <summary>Encryption at rest by the store.</summary>
    public S3Encryption Encryption { get; init; }

    /// <summary>The key for <see cref="S3Encryption.Kms"/>; the account's default key when <see langword="null"/>.</summary>
    public string? KmsKeyId { get; init; }

    /// <summary>A PEM file of the authorities to trust instead of the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>An HTTP proxy, <c>http://host:port</c>; without it <c>HTTP_PROXY</c> and its like are <em>not</em> looked at.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>The proxy's user, if it wants one.</summary>
    public string? ProxyUser { get; init; }

    /// <summary>The proxy's password.</summary>
    public string? ProxyPassword { get; init; }

    /// <summary>Objects longer than this go in parts; bytes, 5 MiB to 5 GiB. Default 32 MiB.</summary>
    public long MultipartThreshold { get; init; } = 32L * 1024 * 1024;

    /// <summary>
    /// Bytes of a part, 5 MiB to 32 MiB: memory holds at most 32 MiB of parts at a time. Grows by itself for objects that would
    /// have more than 10 000 parts. Default 8 MiB.
    /// </summary>
    public long PartSize { get; init; } = 8L * 1024 * 1024;

    /// <summary>Parts of one object on their way at once, 1 to 32. Default 4.</summary>
    public int PartsInParallel { get; init; } = 4;

    /// <summary>Retention asked for with every object that is created (not for objects that are replaced, such as locks).</summary>
    public S3ObjectLockMode ObjectLockMode { get; init; }

    /// <summary>How long that retention lasts; days, 1 to 36 500.</summary>
    public int ObjectLockDays { get; init; }

    /// <summary>How bytes are protected on their way.</summary>
    public S3ChecksumMode ChecksumMode { get; init; }

    /// <summary>How long to wait for a connection; 1 s to 5 min. Default 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a connection may move no byte in either direction before the peer counts as dead; 1 s to 1 h. Default 60 s.
    /// </summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long one request may take, up to the first byte of an answer to read; 1 s to 24 h. Bounds a server that is alive but hopelessly slow.
    /// Default 15 min.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <inheritdoc/>
    public override string? Fault() => this switch
    {
        _ when !IsBucket(Bucket) => $"bucket \"{Bucket}\" is no name of a bucket: 3 to 255 letters, digits, \".\", \"-\" and \"_\"",
        _ when Prefix.Length > 0 && !ObjectKey.IsValid(Prefix) => $"prefix \"{Prefix}\" is no valid key",
        _ when Endpoint is not null && !(IsHttp(Endpoint) && Endpoint.UserInfo.Length == 0 && Endpoint.Query.Length == 0) =>
            "endpoint must be http://host[:port] or https://host[:port], without user or query",
        _ when Proxy is not null && !(IsHttp(Proxy) && Proxy.UserInfo.Length == 0) => "proxy must be http://host:port, its user and password apart",
        _ when Region.Length == 0 => "region is empty",
        _ when KmsKeyId is not null && Encryption != S3Encryption.Kms => "a KMS key needs KMS encryption",
        _ when ObjectLockMode == S3ObjectLockMode.None != (ObjectLockDays == 0) => "object lock needs both a mode and days",
        _ => RangeFault(MultipartThreshold, MinPartSize, MaxSinglePut, "multipart threshold", "bytes")
            ?? RangeFault(PartSize, MinPartSize, MaxPartSize, "part size", "bytes")
            ?? RangeFault(PartsInParallel, 1, MaxPartsInParallel, "parts in parallel", "")
            ?? RangeFault(ObjectLockDays, 0, MaxObjectLockDays, "object lock", "days")
            ?? RangeFault((long)ConnectTimeout.TotalMilliseconds, 1000, 300_000, "connect timeout", "ms")
            ?? RangeFault((long)StallTimeout.TotalMilliseconds, 1000, 3_600_000, "stall timeout", "ms")
            ?? RangeFault((long)RequestTimeout.TotalMilliseconds, 1000, 86_400_000, "request timeout", "ms"),
    };

    static bool IsBucket(string? name) =>
        name is { Length: >= 3 and <= 255 } && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    static bool IsHttp(Uri url) => url.IsAbsoluteUri && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps);

    static string? RangeFault(long value, long least, long most, string what, string unit) =>
        value >= least && value <= most ? null : $"{what} is {value} {unit}".TrimEnd() + $", allowed are {least} to {most}";

    // The compiler's own would show the proxy's password.
    /// <inheritdoc/>
    protected override bool PrintMembers(StringBuilder text)
    {
        text.Append($"Bucket = {Bucket}, Prefix = {Prefix}, Endpoint = {Endpoint}, Region = {Region}, Credentials = {Credentials}");
        return true;
    }
}
