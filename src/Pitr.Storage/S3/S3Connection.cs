using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.S3;

namespace Pitr.Storage.S3;

/// <summary>Makes the client of a store when it is first needed, and closes its connections at the end.</summary>
sealed class S3Connection(string repository, S3Options options, TimeProvider timeProvider) : IDisposable
{
    const int CopyBuffer = 80 * 1024;

    readonly Lock _lock = new();
    S3HttpClientFactory? _http;
    S3Client? _client;
    bool _disposed;

    /// <exception cref="StorageException">The credentials or the file of authorities cannot be read.</exception>
    public IAmazonS3 Client
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_client is null)
                {
                    _http ??= new S3HttpClientFactory(repository, options, timeProvider);
                    _client = new S3Client(ResolveCredentials(_http), Configure(_http));
                }

                return _client;
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _client?.Dispose();
            _http?.Dispose();
        }
    }

    AmazonS3Config Configure(S3HttpClientFactory http)
    {
        var config = new AmazonS3Config
        {
            HttpClientFactory = http,
            MaxErrorRetry = 0,
            ThrottleRetries = false,
            // What decides where data goes is in pitr's configuration alone.
            IgnoreConfiguredEndpointUrls = true,
            ForcePathStyle = options.AddressingStyle switch
            {
                S3AddressingStyle.Path => true,
                S3AddressingStyle.Virtual => false,
                _ => options.Endpoint is not null,
            },
            RequestChecksumCalculation = options.ChecksumMode == S3ChecksumMode.WhenSupported
                ? RequestChecksumCalculation.WHEN_SUPPORTED
                : RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = options.ChecksumMode == S3ChecksumMode.WhenSupported
                ? ResponseChecksumValidation.WHEN_SUPPORTED
                : ResponseChecksumValidation.WHEN_REQUIRED,
            BufferSize = CopyBuffer,
        };
        if (options.Endpoint is null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }
        else
        {
            config.ServiceURL = options.Endpoint.AbsoluteUri;
            config.AuthenticationRegion = options.Region;
            config.UseHttp = options.Endpoint.Scheme == Uri.UriSchemeHttp;
        }

        return config;
    }

    AWSCredentials ResolveCredentials(S3HttpClientFactory http)
    {
        var wanted = options.Credentials;
        try
        {
            return wanted.Source switch
            {
                S3CredentialSource.Static when wanted.SessionToken is { } token => new SessionAWSCredentials(wanted.AccessKey, wanted.SecretKey, token),
                S3CredentialSource.Static => new BasicAWSCredentials(wanted.AccessKey, wanted.SecretKey),
                S3CredentialSource.Environment => new EnvironmentVariablesAWSCredentials(),
                S3CredentialSource.Profile => FindProfile(wanted),
                S3CredentialSource.Instance => OfInstance(),
                _ => WebIdentityCredentials.Create(repository, wanted, options.Region, http.Client, timeProvider),
            };
        }
        catch (Exception failure) when (failure is InvalidOperationException or AmazonClientException or ArgumentException or IOException)
        {
            throw new StorageException(
                repository, key: null, $"there are no {wanted}: {failure.Message}", isTransient: false,
                "give the repository an access key and a secret key, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", failure);
        }
    }

    // A container's own service is announced in its environment; a virtual machine's is always at the same address.
    static AWSCredentials OfInstance() =>
        System.Environment.GetEnvironmentVariable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") is null
        && System.Environment.GetEnvironmentVariable("AWS_CONTAINER_CREDENTIALS_FULL_URI") is null
            ? new InstanceProfileAWSCredentials()
            : new GenericContainerCredentials();

    AWSCredentials FindProfile(S3Credentials wanted)
    {
        var chain = wanted.ProfileFile is null ? new CredentialProfileStoreChain() : new CredentialProfileStoreChain(wanted.ProfileFile);
        return chain.TryGetAWSCredentials(wanted.ProfileName, out var found)
            ? found
            : throw new StorageException(
                repository, key: null,
                $"there is no usable profile \"{wanted.ProfileName}\" in {wanted.ProfileFile ?? "~/.aws/credentials and ~/.aws/config"}",
                isTransient: false, "add the profile with aws_access_key_id and aws_secret_access_key, or name another one");
    }
}
