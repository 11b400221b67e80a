using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3;

namespace Pitr.Storage.S3;

/// <summary>
/// Turns what the SDK and the network throw into <see cref="StorageException"/>s that say what to do next.
/// Codes: Amazon S3 API Reference, "Error responses".
/// </summary>
sealed class S3Errors(string repository, S3Options options, TimeProvider timeProvider)
{
    // Amazon refuses requests that are off by more than 15 minutes; less than this is not worth mentioning.
    static readonly TimeSpan NotableSkew = TimeSpan.FromMinutes(5);
    static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(1);

    static readonly HashSet<string> TransientCodes = new(StringComparer.Ordinal)
    {
        "SlowDown", "InternalError", "ServiceUnavailable", "ServiceFailure", "Throttling", "ThrottlingException", "TooManyRequests",
        "TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "Busy", "RequestTimeout", "RequestTimeoutException",
        "OperationAborted", "ConditionalRequestConflict", "ConcurrentModification",
        // Damaged or cut on the way: the same bytes again will do.
        "BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch",
        // The upload was swept away by somebody; a new one begins anew.
        "NoSuchUpload", "InvalidPart",
    };

    static readonly HashSet<string> KeyCodes = new(StringComparer.Ordinal)
    {
        "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "NotSignedUp", "UnauthorizedAccess",
    };

    static readonly HashSet<string> ExpiredCodes = new(StringComparer.Ordinal)
    {
        "ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "InvalidTokenId",
    };

    public string Repository => repository;

    string Server => options.Endpoint?.GetLeftPart(UriPartial.Authority) ?? $"Amazon S3 in {options.Region}";

    /// <summary>Whether the store itself says that this object is absent.</summary>
    public static bool IsNoSuchKey(Exception failure) =>
        failure is AmazonS3Exception { StatusCode: HttpStatusCode.NotFound, ErrorCode: "NoSuchKey" };

    /// <summary>Whether the store found the key taken.</summary>
    public static bool IsTaken(Exception failure) => failure is AmazonServiceException { StatusCode: HttpStatusCode.PreconditionFailed };

    /// <summary>Whether the store says that it does not know a header or method at all.</summary>
    public static bool IsNotImplemented(Exception failure) => failure is AmazonServiceException { StatusCode: HttpStatusCode.NotImplemented };

    public StorageException Error(string? key, string message, bool transient, string? hint = null, Exception? inner = null) =>
        new(repository, key, message, transient, hint, inner);

    /// <summary>What came back from something that is no S3 server, such as a login page with status 200.</summary>
    public StorageException NotS3(string what, string? key, Exception? inner = null) =>
        Error(key, $"{what}: {Server} did not answer as an S3 server does", transient: false,
            "check that the endpoint is the S3 interface, not a web console, a proxy's login page or another service", inner);

    /// <summary>Checks that an answer of success comes from an S3 server: each has an ETag.</summary>
    /// <exception cref="StorageException">It has none.</exception>
    public void RequireTag(string what, string key, string? tag)
    {
        if (string.IsNullOrEmpty(tag))
        {
            throw NotS3(what, key);
        }
    }

    /// <summary>The error for a failed request.</summary>
    /// <param name="what">What failed, such as <c>cannot put</c>.</param>
    /// <param name="key">The object or prefix, if any.</param>
    /// <param name="failure">Not a cancellation by the caller.</param>
    public StorageException From(string what, string? key, Exception failure)
    {
        switch (failure)
        {
            case StorageException known:
                return known;
            case AmazonServiceException service when (int)service.StatusCode >= 100:
                return FromAnswer(what, key, service);
        }

        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case StorageException known:
                    return known;
                case ServerCertificateException distrust:
                    return Error(key, $"{what} at {Server}: {distrust.Message}", transient: false, distrust.Hint, failure);
                case AuthenticationException:
                    return Error(key, $"{what} at {Server}: TLS failed: {cause.Message}", transient: false,
                        "check that the endpoint's scheme (http or https) and port are what the server speaks", failure);
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } socket:
                    // A resolver that is restarting says the same as a name that was never there.
                    return Error(key, $"{what}: cannot find the address of {Server}: {socket.Message}", transient: true,
                        "check the endpoint's name and this host's DNS", failure);
                case SocketException socket:
                    return Error(key, $"{what}: no connection to {Server}: {socket.Message}", transient: true,
                        "check that the server runs and that no firewall is in between", failure);
                case TimeoutException:
                    return Error(key, $"{what}: {Server} is too slow: {Innermost(failure)}", transient: true,
                        "check the network and the server's load; the time limits can be changed in the configuration", failure);
                case HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError }:
                    return Error(key, $"{what}: the proxy {options.Proxy?.GetLeftPart(UriPartial.Authority)} refused: {cause.Message}", transient: false,
                        "check the proxy's address, user and password", failure);
            }
        }

        return failure switch
        {
            _ when Has<IOException>(failure) || Has<HttpRequestException>(failure) =>
                Error(key, $"{what}: the connection to {Server} broke: {Innermost(failure)}", transient: true, "check the network", failure),
            _ when Has<OperationCanceledException>(failure) =>
                Error(key, $"{what}: {Server} did not answer in time", transient: true, "check the network and the server's load", failure),
            AmazonUnmarshallingException => NotS3(what, key, failure),
            _ => Error(key, $"{what} at {Server}: {Printable(failure.Message)}", transient: false, hint: null, failure),
        };
    }

    StorageException FromAnswer(string what, string? key, AmazonServiceException answer)
    {
        var code = answer.ErrorCode ?? "";
        var status = (int)answer.StatusCode;
        var transient = TransientCodes.Contains(code) || status is 408 or 429 or 500 or 502 or 503 or 504 || Has<IOException>(answer);
        var clocks = Clocks(answer, code);
        var (cause, hint) = (code, status) switch
        {
            _ when clocks is not null && (status == 403 || code == "RequestTimeTooSkewed") =>
                (clocks, "set the clock of this host (chrony, ntpd or systemd-timesyncd)"),
            ("NoSuchBucket", _) => ($"there is no bucket \"{options.Bucket}\"", "create the bucket, or correct the repository's URL"),
            _ when KeyCodes.Contains(code) =>
                ($"the store refuses the {options.Credentials}", "check access key and secret key; they must belong to this endpoint and region"),
            _ when ExpiredCodes.Contains(code) => ($"the {options.Credentials} expired", "renew the temporary keys and their session token"),
            ("AuthorizationHeaderMalformed", _) or ("PermanentRedirect", _) or (_, 301) =>
                ("the bucket is in another region", "set the region (and endpoint) of the bucket"),
            ("QuotaExceeded", _) or (_, 507) => ("the store has no room left for it", "raise the quota, or let expire remove backups"),
            ("ObjectLocked", _) => ("the object is kept by a retention", "wait until the retention is over"),
            (_, 401 or 403) => ($"access denied to the {options.Credentials}", "allow it s3:ListBucket on the bucket (without which absent objects look forbidden) and s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload on its objects"),
            (_, 407) => ("the proxy wants a user and password", "set the proxy's user and password"),
            (_, 429 or 503) => ("the store asks to slow down", "fewer parts in parallel, or fewer jobs, ask for less at once"),
            _ when transient => ("the store has a passing trouble", "look at the server's log if it stays"),
            _ => ("the store refused", (string?)null),
        };
        return new StorageException(
            repository, key, $"{what}: {cause} ({Described(answer, code, status)})", transient, hint, answer)
        {
            RetryAfter = transient ? RetryAfter(answer) : null,
        };
    }

    string Described(AmazonServiceException answer, string code, int status)
    {
        var text = Printable(answer.Message ?? "");
        var parts = new List<string> { $"{status}" };
        if (code.Length > 0 && !int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            parts[0] += $" {code}";
        }

        if (text.Length > 0 && text != code && answer is AmazonS3Exception && !text.Contains("Exception", StringComparison.Ordinal))
        {
            parts.Add(text);
        }

        parts.Add($"from {Server}");
        if (!string.IsNullOrEmpty(answer.RequestId))
        {
            parts.Add($"request {Printable(answer.RequestId)}");
        }

        return string.Join(", ", parts);
    }

    /// <summary>Both clocks, where they are apart.</summary>
    string? Clocks(AmazonServiceException answer, string code)
    {
        var here = timeProvider.GetUtcNow();
        if (Header(answer, "Date") is not { } text
            || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var there))
        {
            return code == "RequestTimeTooSkewed" ? $"the clocks are too far apart: here it is {here:yyyy-MM-dd HH:mm:ss}Z" : null;
        }

        return code == "RequestTimeTooSkewed" || (here - there).Duration() > NotableSkew
            ? $"the clocks are too far apart: here it is {here:yyyy-MM-dd HH:mm:ss}Z, at the store {there:yyyy-MM-dd HH:mm:ss}Z"
            : null;
    }

    TimeSpan? RetryAfter(AmazonServiceException answer)
    {
        if (Header(answer, "Retry-After") is not { } text)
        {
            return null;
        }

        TimeSpan wait;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            wait = TimeSpan.FromSeconds(seconds);
        }
        else if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment))
        {
            wait = moment - timeProvider.GetUtcNow();
        }
        else
        {
            return null;
        }

        return wait <= TimeSpan.Zero ? null : wait < LongestRetryAfter ? wait : LongestRetryAfter;
    }

    static string? Header(AmazonServiceException answer, string name)
    {
        for (Exception? cause = answer; cause is not null; cause = cause.InnerException)
        {
            if (cause is HttpErrorResponseException { Response: { } response } && response.IsHeaderPresent(name))
            {
                return response.GetHeaderValue(name);
            }
        }

        return null;
    }

    static bool Has<T>(Exception failure)
        where T : Exception
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is T)
            {
                return true;
            }
        }

        return false;
    }

    static string Innermost(Exception failure)
    {
        var cause = failure;
        while (cause is not TimeoutException && cause.InnerException is { } inner and not SocketException)
        {
            // Our own text about a stalled peer says more than the timeout inside it.
            if (inner is TimeoutException && cause is IOException)
            {
                break;
            }

            cause = inner;
        }

        return Printable(cause.Message);
    }

    // What a server says goes to logs and terminals.
    static string Printable(string text)
    {
        var line = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        return line.Length <= 300 ? line : line[..300] + "...";
    }
}
