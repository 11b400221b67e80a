using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Amazon.Runtime;

namespace Pitr.Storage.S3;

/// <summary>
/// One pool of connections for one store. Connections are reused, but not for ever, so that a changed address is noticed.
/// </summary>
sealed class S3HttpClientFactory : HttpClientFactory, IDisposable
{
    static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(10);

    readonly HttpClient _client;

    /// <exception cref="StorageException">The file of authorities cannot be read.</exception>
    public S3HttpClientFactory(string repository, S3Options options, TimeProvider timeProvider)
    {
        var authorities = ReadAuthorities(repository, options.CaFile);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = options.Proxy is not null,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
            ConnectCallback = (context, cancellationToken) => ConnectAsync(context.DnsEndPoint, options, timeProvider, cancellationToken),
        };
        if (options.Proxy is not null)
        {
            handler.Proxy = new WebProxy(options.Proxy)
            {
                Credentials = options.ProxyUser is null ? null : new NetworkCredential(options.ProxyUser, options.ProxyPassword),
            };
        }

        if (authorities is not null)
        {
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        handler.SslOptions.RemoteCertificateValidationCallback = (sender, certificate, chain, errors) =>
            errors == SslPolicyErrors.None ? true : throw Distrust(certificate as X509Certificate2, chain, errors, options.CaFile, (sender as SslStream)?.TargetHostName);
        // The driver has its own limits, for which a read half-way through an object counts as well.
        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The client, for requests that are not S3's.</summary>
    public HttpClient Client => _client;

    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => _client;

    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

    public void Dispose() => _client.Dispose();

    static async ValueTask<Stream> ConnectAsync(
        DnsEndPoint endPoint, S3Options options, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = (int)options.StallTimeout.TotalMilliseconds,
            SendTimeout = (int)options.StallTimeout.TotalMilliseconds,
        };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return new StallGuardedStream(new NetworkStream(socket, ownsSocket: true), options.StallTimeout, timeProvider);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    static X509Certificate2Collection? ReadAuthorities(string repository, string? file)
    {
        if (file is null)
        {
            return null;
        }

        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new StorageException(
                repository, key: null, $"cannot read the authorities in {file}: {failure.Message}", isTransient: false,
                "name a PEM file with the certificate of the authority that signed the server's", failure);
        }

        return authorities.Count > 0
            ? authorities
            : throw new StorageException(
                repository, key: null, $"{file} holds no certificate", isTransient: false,
                "name a PEM file with the certificate of the authority that signed the server's");
    }

    static ServerCertificateException Distrust(
        X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, string? caFile, string? host)
    {
        if (certificate is null)
        {
            return new ServerCertificateException("the server showed no certificate", "check that the endpoint's port speaks TLS");
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return new ServerCertificateException(
                $"the server's certificate is for {Names(certificate)}, not for {host}",
                "use a name of the certificate as endpoint; where the bucket's name is the part that does not fit, use path style");
        }

        var reasons = string.Join(", ", chain?.ChainStatus.Select(status => status.Status.ToString()).Distinct(StringComparer.Ordinal) ?? []);
        return new ServerCertificateException(
            $"the server's certificate ({certificate.Subject}, signed by {certificate.Issuer}, valid until {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}) is not trusted: {reasons}",
            caFile is null
                ? "if the server's authority is a private one, name its certificate as CA file"
                : $"check that {caFile} holds the authority that signed the server's certificate, and the clock of this host");
    }

    static string Names(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(extension => extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString())))
            .ToArray();
        return names.Length > 0 ? string.Join(", ", names) : certificate.Subject;
    }
}
