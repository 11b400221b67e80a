using System.Xml;
using System.Xml.Linq;
using Amazon.Runtime;

namespace Pitr.Storage.S3;

/// <summary>
/// Temporary keys in exchange for a token, renewed before they end. One unsigned request, so that no further SDK package is needed:
/// AWS Security Token Service API Reference, "AssumeRoleWithWebIdentity".
/// </summary>
sealed class WebIdentityCredentials : RefreshingAWSCredentials
{
    static readonly XNamespace Namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
    static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    readonly string _repository;
    readonly string _roleArn;
    readonly string _tokenFile;
    readonly Uri _service;
    readonly HttpClient _http;
    readonly TimeProvider _clock;

    WebIdentityCredentials(string repository, string roleArn, string tokenFile, Uri service, HttpClient http, TimeProvider timeProvider)
    {
        _repository = repository;
        _roleArn = roleArn;
        _tokenFile = tokenFile;
        _service = service;
        _http = http;
        _clock = timeProvider;
        PreemptExpiryTime = TimeSpan.FromMinutes(5);
    }

    /// <exception cref="StorageException">Role or token file is not known.</exception>
    public static WebIdentityCredentials Create(
        string repository, S3Credentials wanted, string region, HttpClient http, TimeProvider timeProvider) => new(
            repository,
            Known(repository, wanted.RoleArn, "AWS_ROLE_ARN", "role"),
            Known(repository, wanted.TokenFile, "AWS_WEB_IDENTITY_TOKEN_FILE", "token file"),
            wanted.TokenService ?? new Uri($"https://sts.{region}.amazonaws.com/"),
            http,
            timeProvider);

    protected override CredentialsRefreshState GenerateNewCredentials() =>
        throw new NotSupportedException("keys are only asked for asynchronously");

    protected override async Task<CredentialsRefreshState> GenerateNewCredentialsAsync()
    {
        using var limit = new CancellationTokenSource(Limit, _clock);
        try
        {
            var token = (await System.IO.File.ReadAllTextAsync(_tokenFile, limit.Token)).Trim();
            using var content = new FormUrlEncodedContent(new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["Action"] = "AssumeRoleWithWebIdentity",
                ["Version"] = "2011-06-15",
                ["RoleArn"] = _roleArn,
                ["RoleSessionName"] = "pitr",
                ["WebIdentityToken"] = token,
            });
            using var answer = await _http.PostAsync(_service, content, limit.Token);
            var text = await answer.Content.ReadAsStringAsync(limit.Token);
            return answer.IsSuccessStatusCode ? Parse(text) : throw Refused((int)answer.StatusCode, text);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException && failure is not HttpIOException)
        {
            throw Failed($"cannot read the token file {_tokenFile}: {failure.Message}", transient: false, failure);
        }
        catch (XmlException failure)
        {
            throw Failed($"{_service.Authority} did not answer as a security token service does", transient: false, failure);
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException or HttpIOException)
        {
            throw Failed($"cannot ask {_service.Authority}: {failure.Message}", transient: true, failure);
        }
    }

    static string Known(string repository, string? given, string variable, string what) =>
        given ?? System.Environment.GetEnvironmentVariable(variable) ?? throw new StorageException(
            repository, key: null, $"web identity: the {what} is not known", isTransient: false, $"set {variable}, or name it in the configuration");

    CredentialsRefreshState Parse(string text)
    {
        var keys = XDocument.Parse(text).Descendants(Namespace + "Credentials").FirstOrDefault();
        var access = (string?)keys?.Element(Namespace + "AccessKeyId");
        var secret = (string?)keys?.Element(Namespace + "SecretAccessKey");
        var session = (string?)keys?.Element(Namespace + "SessionToken");
        var ends = (DateTimeOffset?)keys?.Element(Namespace + "Expiration");
        return access is not null && secret is not null && session is not null && ends is not null
            ? new CredentialsRefreshState(new ImmutableCredentials(access, secret, session), ends.Value.UtcDateTime)
            : throw Failed($"{_service.Authority} answered without keys", transient: false, inner: null);
    }

    StorageException Refused(int status, string text)
    {
        var code = "";
        try
        {
            code = (string?)XDocument.Parse(text).Descendants().FirstOrDefault(element => element.Name.LocalName == "Code") ?? "";
        }
        catch (XmlException)
        {
            // Not every error is an error of the service itself; the status says enough.
        }

        return Failed($"{_service.Authority} refused the token for the role {_roleArn}: {$"{status} {code}".TrimEnd()}", transient: status >= 500, inner: null);
    }

    StorageException Failed(string cause, bool transient, Exception? inner) => new(
        _repository, key: null, $"web identity: {cause}", transient,
        "check the role, its trust policy and that the token file holds a current token", inner);
}
