using Pitr.Operations.Configuration;
using Pitr.Storage;
using Pitr.Storage.Ftp;
using Pitr.Storage.S3;
using Pitr.Storage.Sftp;

namespace Pitr.Operations.Tests.Configuration;

/// <summary>What the configuration of a repository comes to.</summary>
public sealed class RepositorySettingsTests : ConfigurationFiles
{
    [Fact]
    public void S3_has_the_drivers_defaults()
    {
        var driver = Driver<S3DriverSettings>("url: s3://Company_Backups.2/pitr/a%20b/");

        Assert.Equal("s3://Company_Backups.2/pitr/a%20b", driver.Url);
        Assert.Equal(new S3Options { Bucket = "Company_Backups.2", Prefix = "pitr/a b" }, driver.ToOptions());
        Assert.Equal("s3://bucket", Driver<S3DriverSettings>("url: s3://bucket/").Url);
    }

    [Fact]
    public void S3_takes_every_key()
    {
        var driver = Driver<S3DriverSettings>(
            """
            url: s3://bucket/x
            endpoint: https://s3.example.net:9000
            region: eu-1
            addressing-style: virtual
            access-key: ${AK}
            secret-key: ${SK}
            session-token: ${ST}
            storage-class: STANDARD_IA
            encryption: kms
            kms-key: alias/backup
            ca-file: /etc/ca.pem
            proxy: http://proxy:3128
            proxy-user: me
            proxy-password: ${PP}
            multipart-threshold: 64MiB
            part-size: 16MiB
            parts-in-parallel: 8
            object-lock: compliance
            object-lock-days: 30
            checksums: when-supported
            connect-timeout: 5s
            stall-timeout: 30s
            request-timeout: 1h
            """,
            ("AK", "ak"), ("SK", "sk"), ("ST", "st"), ("PP", "pp"));

        var options = Assert.IsType<S3Options>(driver.ToOptions());
        Assert.Equal(S3CredentialSource.Static, options.Credentials.Source);
        Assert.Equal(
            ["ak", "sk", "st"], new[] { driver.Credentials.AccessKey, driver.Credentials.SecretKey, driver.Credentials.SessionToken }.Select(secret => secret!.Reveal()));
        Assert.Equal(
            new S3Options
            {
                Bucket = "bucket",
                Prefix = "x",
                Endpoint = new Uri("https://s3.example.net:9000"),
                Region = "eu-1",
                AddressingStyle = S3AddressingStyle.Virtual,
                Credentials = options.Credentials,
                StorageClass = "STANDARD_IA",
                Encryption = S3Encryption.Kms,
                KmsKeyId = "alias/backup",
                CaFile = "/etc/ca.pem",
                Proxy = new Uri("http://proxy:3128"),
                ProxyUser = "me",
                ProxyPassword = "pp",
                MultipartThreshold = 64 << 20,
                PartSize = 16 << 20,
                PartsInParallel = 8,
                ObjectLockMode = S3ObjectLockMode.Compliance,
                ObjectLockDays = 30,
                ChecksumMode = S3ChecksumMode.WhenSupported,
                ConnectTimeout = TimeSpan.FromSeconds(5),
                StallTimeout = TimeSpan.FromSeconds(30),
                RequestTimeout = TimeSpan.FromHours(1),
            },
            options);
    }

    [Theory]
    [InlineData("", S3CredentialSource.Environment)]
    [InlineData("access-key: a\nsecret-key: b", S3CredentialSource.Static)]
    [InlineData("credentials: keys\naccess-key: a\nsecret-key: b", S3CredentialSource.Static)]
    [InlineData("credentials: environment", S3CredentialSource.Environment)]
    [InlineData("credentials: profile\nprofile: backup\nprofile-file: /etc/aws", S3CredentialSource.Profile)]
    [InlineData("credentials: instance", S3CredentialSource.Instance)]
    [InlineData("credentials: web-identity", S3CredentialSource.WebIdentity)]
    [InlineData("credentials: web-identity\nrole-arn: arn:x\ntoken-file: /t\ntoken-service: https://sts", S3CredentialSource.WebIdentity)]
    public void S3_keys_come_from_where_it_says(string lines, S3CredentialSource source) => Assert.Equal(
        source, ((S3Options)Driver<S3DriverSettings>("url: s3://bucket\n" + lines).ToOptions()).Credentials.Source);

    [Theory]
    [InlineData("sftp://host/srv/pitr", null, "host", null, "/srv/pitr", "sftp://host/srv/pitr")]
    [InlineData("SFTP://me@Host:2222//srv/./pitr//", "me", "Host", 2222, "/srv/pitr", "sftp://me@Host:2222/srv/pitr")]
    [InlineData("sftp://host/~/pitr/x", null, "host", null, "pitr/x", "sftp://host/~/pitr/x")]
    [InlineData("sftp://host/~me/x", null, "host", null, "/~me/x", "sftp://host/~me/x")]
    [InlineData("sftp://a%40b@host/%7E/ü%25", "a@b", "host", null, "ü%", "sftp://a%40b@host/~/%C3%BC%25")]
    [InlineData("'sftp://[FE80:0::1]:22/x'", null, "fe80::1", 22, "/x", "sftp://[fe80::1]:22/x")]
    [InlineData("sftp://box_1.lan/x:y@z", null, null, null, null, null)]
    [InlineData("sftp://box_1.lan/x:y", null, "box_1.lan", null, "/x:y", "sftp://box_1.lan/x%3Ay")]
    public void An_SFTP_URL_is_user_host_port_and_path(string url, string? user, string? host, int? port, string? path, string? shown)
    {
        if (host is null)
        {
            Refused(Offsite("url: " + url));
            return;
        }
        var driver = Driver<SftpDriverSettings>("url: " + url);

        Assert.Equal(new SftpOptions { User = user, Host = host, Port = port, Path = path! }, driver.ToOptions());
        Assert.Equal(shown, driver.Url);
        Assert.Equal(driver, Driver<SftpDriverSettings>($"url: \"{driver.Url}\""));
    }

    [Fact]
    public void SFTP_takes_every_key() => Assert.Equal(
        new SftpOptions
        {
            Host = "host",
            Path = "/x",
            IdentityFile = "/k",
            ConfigFile = "/c",
            KnownHostsFile = "/h",
            HostKeyChecking = SftpHostKeyChecking.AcceptNew,
            ProxyJump = "a@b:22,c",
            SshProgram = "/opt/ssh",
            Connections = 64,
            ConnectTimeout = TimeSpan.FromSeconds(1),
            StallTimeout = TimeSpan.FromHours(1),
        },
        Driver<SftpDriverSettings>(
            """
            url: sftp://host/x
            identity-file: /k
            ssh-config: /c/
            known-hosts: /h
            host-key-checking: accept-new
            proxy-jump: a@b:22,c
            ssh-program: /opt/ssh
            connections: 64
            connect-timeout: 1s
            stall-timeout: 1h
            """).ToOptions());

    [Theory]
    [InlineData("ftp://me@Host/a/b", "host", null, "a/b", FtpTlsMode.Explicit, "ftp://me@host/a/b")]
    [InlineData("ftp://me@host:21//a//b/", "host", null, "/a/b", FtpTlsMode.Explicit, "ftp://me@host//a/b")]
    [InlineData("ftp://me@host:2121/%2Fa", "host", 2121, "/a", FtpTlsMode.Explicit, "ftp://me@host:2121//a")]
    [InlineData("ftp://me@host", "host", null, "", FtpTlsMode.Explicit, "ftp://me@host")]
    [InlineData("ftp://me@host/", "host", null, "", FtpTlsMode.Explicit, "ftp://me@host")]
    [InlineData("ftps://me@host:990/a", "host", null, "a", FtpTlsMode.Implicit, "ftps://me@host/a")]
    [InlineData("ftps://me@host:21/a", "host", 21, "a", FtpTlsMode.Implicit, "ftps://me@host:21/a")]
    [InlineData("'ftp://me@[::1]:2121/a b'", "::1", 2121, "a b", FtpTlsMode.Explicit, "ftp://me@[::1]:2121/a%20b")]
    public void An_FTP_URL_is_user_host_port_and_path(string url, string host, int? port, string path, FtpTlsMode tls, string shown)
    {
        var driver = Driver<FtpDriverSettings>($"url: {url}\npassword: ${{P}}", ("P", "secret"));

        Assert.Equal(new FtpOptions { User = "me", Password = "secret", Host = host, Port = port, Path = path, Tls = tls }, driver.ToOptions());
        Assert.Equal(shown, driver.Url);
        Assert.Equal(driver.Url, Driver<FtpDriverSettings>($"url: \"{driver.Url}\"\npassword: x").Url);
    }

    [Fact]
    public void FTP_takes_every_key() => Assert.Equal(
        new FtpOptions
        {
            Host = "host",
            User = "a b",
            Password = "p",
            Path = "x",
            Tls = FtpTlsMode.None,
            CaFile = "/ca",
            CurlProgram = "/opt/curl",
            Connections = 1,
            ConnectTimeout = TimeSpan.FromMinutes(5),
            StallTimeout = TimeSpan.FromSeconds(1),
        },
        Driver<FtpDriverSettings>(
            """
            url: ftp://host/x
            user: a b
            password: p
            tls: none
            ca-file: /ca
            curl-program: /opt/curl
            connections: 1
            connect-timeout: 5m
            stall-timeout: 1s
            """).ToOptions());

    [Fact]
    public void Limits_and_retries_belong_to_every_kind()
    {
        foreach (var scheme in RepositoryBinding.Schemes)
        {
            var yaml = EveryKind.Replace($"  {scheme}: {{ ", $"  {scheme}: {{ upload-limit: 20MB/s, download-limit: 1GiB/s, concurrency: 1024, retry: {{ deadline: 1s }}, ", StringComparison.Ordinal);
            var repository = Load(yaml).Repository(scheme);

            Assert.Equal(new LimitSettings(20_000_000, 1L << 30, 1024), repository.Limits);
            Assert.Equal(TimeSpan.FromSeconds(1), repository.Retry.Deadline);
        }
    }

    [Fact]
    public async Task Every_kind_opens()
    {
        foreach (var repository in Load(EveryKind, Variables(("FTP_PASSWORD", "x"))).Repositories.Values)
        {
            await using var store = ObjectStoreFactory.Open(repository.Name, repository.Driver.ToOptions(), TimeProvider.System);
            Assert.Equal(repository.Name, store.Name);
        }
    }

    T Driver<T>(string lines, params (string Name, string Value)[] variables)
        where T : DriverSettings => Assert.IsType<T>(Load(Offsite(lines), Variables(variables)).Repository("offsite").Driver);
}
