using Amazon.S3.Model;
using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

/// <summary>The ways to reach a server and to prove who one is.</summary>
[Collection(S3Tests.Name)]
public sealed class S3ConnectionTests(S3Server server) : IAsyncLifetime
{
    static readonly CancellationToken None = CancellationToken.None;

    readonly S3Place _place = S3Place.OfPrefix(server);
    readonly TemporaryDirectory _directory = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _place.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_private_authority_is_trusted_when_named()
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Issue("127.0.0.1");
        await using var proxy = new FaultProxy(server.Endpoint, certificate);
        await WorksAsync(_place.Options with { Endpoint = proxy.Endpoint, CaFile = Write("ca.pem", authority.Pem) });
    }

    [Fact]
    public async Task An_unknown_authority_is_refused_for_good()
    {
        using var authority = new TestAuthority();
        using var other = new TestAuthority();
        using var certificate = authority.Issue("127.0.0.1");
        await using var proxy = new FaultProxy(server.Endpoint, certificate);
        foreach (var file in (string?[])[null, Write("other.pem", other.Pem)])
        {
            var error = await FailsAsync(_place.Options with { Endpoint = proxy.Endpoint, CaFile = file });
            Assert.Contains("is not trusted", error.Message, StringComparison.Ordinal);
            Assert.Contains("pitr test authority", error.Message, StringComparison.Ordinal);
        }

        Assert.Empty(proxy.Requests);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused_for_good()
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Issue("s3.example.net");
        await using var proxy = new FaultProxy(server.Endpoint, certificate);
        var error = await FailsAsync(_place.Options with { Endpoint = proxy.Endpoint, CaFile = Write("ca.pem", authority.Pem) });
        Assert.Contains("is for s3.example.net, not for 127.0.0.1", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }

    [Theory]
    [InlineData("no certificate here")]
    [InlineData(null)]
    public async Task A_useless_authority_file_is_named(string? text)
    {
        var file = text is null ? _directory["missing.pem"] : Write("ca.pem", text);
        var error = await FailsAsync(_place.Options with { CaFile = file });
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_to_a_server_without_it_is_refused()
    {
        var error = await FailsAsync(_place.Options with { Endpoint = new Uri($"https://{server.Endpoint.Authority}") }, transient: null);
        Assert.Contains(server.Endpoint.Authority, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bucket_may_be_in_the_host_name_and_a_proxy_in_between()
    {
        await using var proxy = new FaultProxy(server.Endpoint);
        var options = _place.Options with
        {
            // Only the proxy can reach that name: it is in no DNS.
            Endpoint = new Uri($"http://localhost:{server.Endpoint.Port}"),
            AddressingStyle = S3AddressingStyle.Virtual,
            Proxy = proxy.Endpoint,
        };
        await WorksAsync(options);
        Assert.NotEmpty(proxy.Requests);
        Assert.DoesNotContain(proxy.Requests, request => request.Target.Contains($"/{_place.Bucket}/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_proxy_that_wants_a_password_is_said_so()
    {
        await using var proxy = new FaultProxy(server.Endpoint) { Fault = _ => ProxyFault.Status("407 Proxy Authentication Required") };
        var error = await FailsAsync(_place.Options with { Proxy = proxy.Endpoint });
        Assert.Contains("proxy", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_come_from_a_profile()
    {
        var file = Write("credentials", $"[offsite]\naws_access_key_id = {server.AccessKey}\naws_secret_access_key = {server.SecretKey}\n");
        await WorksAsync(_place.Options with { Credentials = S3Credentials.Profile("offsite", file) });
        var error = await FailsAsync(_place.Options with { Credentials = S3Credentials.Profile("other", file) });
        Assert.Contains("no usable profile \"other\"", error.Message, StringComparison.Ordinal);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_come_in_exchange_for_a_token()
    {
        var token = Write("token", "the token\n");
        var asked = 0;
        await using var service = new FaultProxy(server.Endpoint)
        {
            Fault = _ =>
            {
                asked++;
                return ProxyFault.Body("200 OK", $"""
                    <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
                    <AccessKeyId>{server.AccessKey}</AccessKeyId><SecretAccessKey>{server.SecretKey}</SecretAccessKey><SessionToken>session</SessionToken>
                    <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>
                    """);
            },
        };
        await using var proxy = new FaultProxy(server.Endpoint) { Fault = _ => ProxyFault.Status("500 Stop here") };
        await using var store = new S3ObjectStore(
            "offsite", _place.Options with { Endpoint = proxy.Endpoint, Credentials = S3Credentials.WebIdentity("arn:aws:iam::1:role/pitr", token, service.Endpoint) }, TimeProvider.System);
        for (var i = 0; i < 3; i++)
        {
            // The test server knows no session tokens; that the request was signed and sent is what there is to see.
            var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a", None));
            Assert.True(error.IsTransient);
        }

        Assert.Equal(1, asked);
        Assert.Equal(3, proxy.Requests.Count);

        service.Fault = _ => ProxyFault.Body("400 Bad Request", "<ErrorResponse><Error><Code>ExpiredTokenException</Code></Error></ErrorResponse>");
        var refused = await FailsAsync(
            _place.Options with { Credentials = S3Credentials.WebIdentity("arn:aws:iam::1:role/pitr", token, service.Endpoint) });
        Assert.Contains("ExpiredTokenException", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("the token", refused.Message.Replace("refused the token", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retention_is_asked_for_with_everything_but_what_is_renewed()
    {
        await using var locked = await S3Place.OfBucketAsync(server, objectLock: true);
        await using var store = new S3ObjectStore(
            "offsite", locked.Options with { ObjectLockMode = S3ObjectLockMode.Governance, ObjectLockDays = 30, MultipartThreshold = S3Options.MinPartSize },
            TimeProvider.System);
        await store.PutAsync("backup", Contents.Bytes(10), PutMode.CreateNew, None);
        await store.PutAsync("pack", Contents.Bytes(10), PutMode.Replace, None);
        await store.PutAsync("large pack", Contents.Bytes((int)(2 * S3Options.MinPartSize) + 1), PutMode.Replace, None);
        await store.PutAsync("lock", Contents.Bytes(10), PutMode.Renew, None);

        foreach (var key in (string[])["backup", "pack", "large pack"])
        {
            Assert.Equal((key, "GOVERNANCE"), (key, await ModeAsync(key)));
            var until = (await locked.Client.GetObjectRetentionAsync(new GetObjectRetentionRequest { BucketName = locked.Bucket, Key = key })).Retention;
            Assert.InRange(until.RetainUntilDate!.Value.ToUniversalTime(), TimeProvider.System.GetUtcNow().AddDays(29).UtcDateTime, TimeProvider.System.GetUtcNow().AddDays(31).UtcDateTime);
        }

        Assert.Null(await ModeAsync("lock"));

        await store.DeleteAsync("backup", None);
        Assert.Null(await store.StatAsync("backup", None));
        await locked.EraseVersionsAsync();

        async Task<string?> ModeAsync(string key) =>
            (await locked.Client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = locked.Bucket, Key = key })).ObjectLockMode?.Value;
    }

    [Fact]
    public void Secrets_are_in_no_text()
    {
        var options = _place.Options with { ProxyPassword = "proxy-secret", Credentials = S3Credentials.Static("public", "key-secret", "token-secret") };
        Assert.DoesNotContain("secret", options.ToString(), StringComparison.Ordinal);
        Assert.Contains("public", options.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        foreach (var wrong in (S3Options[])[
            _place.Options with { Bucket = "a/b" },
            _place.Options with { Prefix = "/a" },
            _place.Options with { Endpoint = new Uri("ftp://host") },
            _place.Options with { Endpoint = new Uri("https://user:password@host") },
            _place.Options with { PartSize = 1 },
            _place.Options with { MultipartThreshold = 6L << 30 },
            _place.Options with { PartsInParallel = 0 },
            _place.Options with { ObjectLockDays = 1 },
            _place.Options with { ObjectLockMode = S3ObjectLockMode.Compliance },
            _place.Options with { KmsKeyId = "key" },
            _place.Options with { StallTimeout = TimeSpan.Zero }])
        {
            Assert.Throws<ArgumentException>(() => new S3ObjectStore("offsite", wrong, TimeProvider.System));
        }
    }

    async Task WorksAsync(S3Options options)
    {
        await using var store = new S3ObjectStore("offsite", options, TimeProvider.System);
        await store.PutAsync("grüße/%2F +", Contents.Bytes(100_000), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(100_000), await store.ReadAllAsync("grüße/%2F +", None));
        Assert.Equal(["grüße/%2F +"], await store.KeysAsync());
        await store.DeleteAsync("grüße/%2F +", None);
    }

    static async Task<StorageException> FailsAsync(S3Options options, bool? transient = false)
    {
        await using var store = new S3ObjectStore("offsite", options, TimeProvider.System);
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a", Contents.Bytes(10), PutMode.CreateNew, None));
        Assert.Equal(transient ?? error.IsTransient, error.IsTransient);
        Assert.Equal("offsite", error.Repository);
        return error;
    }

    string Write(string name, string text)
    {
        System.IO.File.WriteAllText(_directory[name], text);
        return _directory[name];
    }
}
