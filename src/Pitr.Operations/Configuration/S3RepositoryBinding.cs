using Pitr.Storage.S3;

namespace Pitr.Operations.Configuration;

/// <summary>Reads the URL and the keys of an <c>s3:</c> repository.</summary>
static class S3RepositoryBinding
{
    const string Example = "s3://bucket/prefix";

    static readonly S3Options Defaults = new() { Bucket = "bucket" };
    static readonly TimeSpan LongestRequest = TimeSpan.FromDays(1);

    public static DriverSettings? Bind(YamlSection section, ScalarValue url)
    {
        var endpoint = section.OptionalHttpUrl("endpoint", "give them as \"access-key\" and \"secret-key\"");
        var options = Defaults with
        {
            Endpoint = endpoint,
            Region = section.OptionalText("region", "region", Defaults.Region)?.Text ?? Defaults.Region,
            AddressingStyle = S3DriverSettings.AddressingStyles.Read(section, "addressing-style", Defaults.AddressingStyle),
        };
        var credentials = S3CredentialBinding.Bind(section);
        options = options with
        {
            StorageClass = section.OptionalText("storage-class", "storage class")?.Text,
            Encryption = S3DriverSettings.Encryptions.Read(section, "encryption", Defaults.Encryption),
            KmsKeyId = section.OptionalText("kms-key", "key identifier")?.Text,
            CaFile = section.OptionalPath("ca-file"),
            Proxy = section.OptionalHttpUrl("proxy", "give them as \"proxy-user\" and \"proxy-password\""),
            ProxyUser = section.OptionalText("proxy-user", "user name")?.Text,
        };
        var proxyPassword = section.Secret("proxy-password");
        options = options with
        {
            MultipartThreshold = section.Size("multipart-threshold", Defaults.MultipartThreshold, S3Options.MinPartSize, S3Options.MaxSinglePut),
            PartSize = section.Size("part-size", Defaults.PartSize, S3Options.MinPartSize, S3Options.MaxPartSize),
            PartsInParallel = section.Integer("parts-in-parallel", Defaults.PartsInParallel, 1, S3Options.MaxPartsInParallel),
            ObjectLockMode = S3DriverSettings.ObjectLocks.Read(section, "object-lock", Defaults.ObjectLockMode),
            ObjectLockDays = section.Integer("object-lock-days", Defaults.ObjectLockDays, 0, S3Options.MaxObjectLockDays),
            ChecksumMode = S3DriverSettings.Checksums.Read(section, "checksums", Defaults.ChecksumMode),
            ConnectTimeout = RepositoryBinding.ConnectTimeout(section, Defaults.ConnectTimeout),
            StallTimeout = RepositoryBinding.StallTimeout(section, Defaults.StallTimeout),
            RequestTimeout = section.Duration("request-timeout", Defaults.RequestTimeout, TimeSpan.FromSeconds(1), LongestRequest),
        };
        if (options.Proxy is null && (options.ProxyUser is not null || proxyPassword is not null))
        {
            section.Report(section.Where, $"{section.Title} has a user or password for a proxy, but no \"proxy\"", "add \"proxy\": http://host:port");
        }
        return Place(section, url) is ({ } bucket, var prefix) && credentials is not null
            ? new S3DriverSettings(
                $"s3://{bucket}{(prefix.Length == 0 ? "" : "/" + RepositoryUrl.Escaped(prefix))}",
                options with { Bucket = bucket, Prefix = prefix },
                credentials,
                proxyPassword)
            : null;
    }

    static (string? Bucket, string Prefix) Place(YamlSection section, ScalarValue url)
    {
        if (RepositoryUrl.Parse(section, url, Example, "give the keys as \"access-key\" and \"secret-key\"") is not { } parsed)
        {
            return default;
        }
        if (parsed.User is not null || parsed.Port is not null)
        {
            section.Report(
                url.Where,
                $"{section.Of("url")} has a {(parsed.Port is null ? "user" : "port")}",
                $"write {Example}; the server goes to \"endpoint\": https://host:port, keys to \"access-key\" and \"secret-key\"");
            return default;
        }
        if (RepositoryUrl.Joined(parsed.Path) is not { } prefix)
        {
            section.Report(url.Where, $"{section.Of("url")} has the part \"..\"", "write the prefix without it");
            return default;
        }
        return (parsed.Host, prefix);
    }
}
