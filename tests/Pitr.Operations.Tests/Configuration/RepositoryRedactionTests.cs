using FsCheck;
using FsCheck.Fluent;
using Pitr.Operations.Configuration;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
using Pitr.Storage;
using Pitr.Storage.Ftp;
using Pitr.Storage.S3;
using Serilog.Core;

namespace Pitr.Operations.Tests.Configuration;

/// <summary>As <see cref="RedactionTests"/>, for the secrets of repositories.</summary>
public sealed class RepositoryRedactionTests : ConfigurationFiles
{
    [Fact]
    public void A_good_configuration_shows_no_secret() => Prop.ForAll(RedactionTests.Secrets, secret =>
    {
        var literal = RedactionTests.SingleQuoted(RedactionTests.Literal(secret));
        var file = Write(secret, "secret");
        var yaml = EveryKind
            .Replace("{ url: s3://company-backups/pitr }", "{ url: s3://company-backups/pitr, access-key: x, secret-key: \"${SECRET}\", session-token: 'file:" + file + "', proxy: 'http://p:1', proxy-password: " + literal + " }", StringComparison.Ordinal)
            .Replace("ftp: { url: ftp://me@box.example.net/pitr, password: \"${FTP_PASSWORD}\"", "ftp: { url: ftp://me@box.example.net/pitr, password: " + literal, StringComparison.Ordinal);
        var configuration = Load(yaml, Variables(("SECRET", secret), ("FTP_PASSWORD", secret)));
        configuration.RequireSecrets();

        var s3 = (S3Options)configuration.Repository("s3").Driver.ToOptions();
        var ftp = (FtpOptions)configuration.Repository("ftp").Driver.ToOptions();
        var ftps = (FtpOptions)configuration.Repository("ftps").Driver.ToOptions();
        Assert.Equal(RedactionTests.Literal(secret), s3.ProxyPassword);
        Assert.Equal((RedactionTests.Literal(secret), secret), (ftp.Password, ftps.Password));
        Assert.Equal(6, configuration.Secrets.Count());
        Assert.All(
            [.. RedactionTests.Printed(configuration), s3.ToString(), s3.Credentials.ToString(), ftp.ToString(), ftps.ToString()],
            text => Assert.DoesNotContain(secret[..6], text, StringComparison.Ordinal));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_error_shows_a_secret_however_it_was_misplaced() => Prop.ForAll(RedactionTests.Secrets, secret =>
    {
        string[] attempts =
        [
            "url: " + RedactionTests.SingleQuoted($"ftp://me:{secret}@host/x"),
            "url: " + RedactionTests.SingleQuoted($"sftp://me:{secret}@host/x"),
            "url: " + RedactionTests.SingleQuoted($"s3://me:{secret}@bucket/x"),
            "url: " + RedactionTests.SingleQuoted($"s3://bucket?secret-key={secret}"),
            "url: " + RedactionTests.SingleQuoted($"ftps://me:{Uri.EscapeDataString(secret)}@host/x"),
            "url: s3://bucket\nendpoint: " + RedactionTests.SingleQuoted($"https://me:{secret}@host"),
            "url: s3://bucket\nproxy: " + RedactionTests.SingleQuoted($"http://me:{secret}@host:3128"),
            "url: s3://bucket\naccess-key: x\nsecret-key: [" + RedactionTests.SingleQuoted(secret) + "]",
            "url: s3://bucket\nsecret-key: " + RedactionTests.SingleQuoted(secret),
            "url: s3://bucket\naccess-key: x\nsecert-key: " + RedactionTests.SingleQuoted(secret),
            "url: s3://bucket\naccess-key: x\nsecret-key:" + secret,
            "url: sftp://host/x\npassword: " + RedactionTests.SingleQuoted(secret),
            "url: ftp://host/x\npassword: " + RedactionTests.SingleQuoted(secret),
            "url: ftp://me@host/x\npassword: " + RedactionTests.SingleQuoted("file:" + secret),
            "url: ftp://me@host/x\npassword: " + RedactionTests.SingleQuoted("x${" + secret),
        ];
        foreach (var attempt in attempts)
        {
            Assert.All(Outcome(Offsite(attempt), NoEnvironment), text => Assert.DoesNotContain(secret[..6], text, StringComparison.Ordinal));
        }
        foreach (var variable in (string[])["S3__SECRET_KEY", "S3__SECERT_KEY", "FTP__PASSWORD", "SFTP__PASSWORD", "S3__PROXY_PASSWORD"])
        {
            Assert.All(
                Outcome(EveryKind, Variables(("PITR_REPOSITORIES__" + variable, secret))),
                text => Assert.DoesNotContain(secret[..6], text, StringComparison.Ordinal));
        }
        foreach (var option in (string[])[$"secret-key={secret}", $"password={secret}", $"passwrod={secret}", "=" + secret, "password:" + secret])
        {
            var e = Assert.Throws<Errors.RefusedInputException>(() => RepositoryOptions.Parse([option]));
            Assert.DoesNotContain(secret[..6], e + e.Hint, StringComparison.Ordinal);
        }
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("first\nsecond")]
    [InlineData("car\rriage")]
    public async Task A_secret_that_no_driver_can_use_is_refused_without_showing_it(string secret)
    {
        var settings = Load(Offsite($"url: ftp://me@host/x\npassword: file:{Write(secret, "secret")}")).Repository("offsite");
        await using var store = RepositoryOpener.Open(settings, TimeProvider.System, Logger.None);

        var e = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a", default));

        Assert.False(e.IsTransient);
        Assert.Contains("the password of an FTP repository holds a line break", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(secret[..5], e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_in_a_world_readable_file_is_refused_but_an_access_key_is_none()
    {
        const UnixFileMode everybody = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        var e = Assert.Throws<ConfigurationException>(() => ConfigurationLoader.Load(
            Write(Offsite("url: ftp://me@host/x\npassword: hunter2"), mode: everybody), NoEnvironment));
        Assert.Equal((4, 15), (e.Line, e.Column));
        Assert.Contains("everybody on this host can read", e.Message, StringComparison.Ordinal);

        var loaded = ConfigurationLoader.Load(
            Write(Offsite("url: s3://bucket\naccess-key: AKIAEXAMPLE\nsecret-key: ${S}"), "public.yaml", everybody), NoEnvironment);
        Assert.DoesNotContain("AKIAEXAMPLE", ConfigurationText.Show(loaded), StringComparison.Ordinal);
    }

    [Fact]
    public void A_check_names_every_secret_of_a_repository_that_can_not_be_had()
    {
        var configuration = Load(EveryKind.Replace(
            "{ url: s3://company-backups/pitr }", "{ url: s3://company-backups/pitr, access-key: x, secret-key: file:/nowhere/s3 }", StringComparison.Ordinal));

        var e = Assert.Throws<ConfigurationException>(configuration.RequireSecrets);

        Assert.Equal(
            ["repositories.s3.secret-key", "repositories.ftp.password", "repositories.ftps.password"],
            e.Problems.Select(problem => problem.Message.Split('"')[1]));
    }
}
