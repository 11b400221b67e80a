using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Keys;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
using Serilog.Core;

namespace Pitr.Operations.Tests.Setup;

public sealed class InitRunTests : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("pitr-init-").FullName;

    string ConfigurationPath => Path.Combine(_root, "etc", "pitr.yaml");

    [Fact]
    public async Task It_makes_keys_configuration_and_repository()
    {
        var configuration = await RunAsync();

        Assert.Equal(ConfigurationPath, configuration.FilePath);
        Assert.True(File.Exists(Path.Combine(_root, "repository", RepositoryLayout.Repository)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(configuration.Encryption.IdentityFile!));
        using var identity = IdentityFile.Load(configuration.Encryption);
        Assert.Equal(identity.Recipient.Id, Assert.Single(RecipientFiles.Load(configuration.Encryption)).Id);
        Assert.Equal(["main"], configuration.Services.Keys);
    }

    [Fact]
    public async Task A_configuration_is_replaced_only_when_forced_and_keys_never()
    {
        await RunAsync();
        var identity = File.ReadAllText(Path.Combine(_root, "etc", "identity.pem"));

        await Assert.ThrowsAsync<ConflictException>(() => RunAsync());
        await RunAsync(force: true);

        Assert.Equal(identity, File.ReadAllText(Path.Combine(_root, "etc", "identity.pem")));
    }

    [Fact]
    public async Task A_passphrase_protects_the_identity()
    {
        var configuration = await RunAsync(passphrase: "correct horse");

        Assert.True(Identity.IsEncrypted(File.ReadAllText(configuration.Encryption.IdentityFile!)));
        Assert.Throws<KeyUnavailableException>(() => IdentityFile.Load(configuration.Encryption));
        Assert.Throws<KeyUnavailableException>(() => IdentityFile.Load(configuration.Encryption, () => "wrong"));
        Assert.Throws<KeyUnavailableException>(() => IdentityFile.Load(configuration.Encryption, () => null));
        using var identity = IdentityFile.Load(configuration.Encryption, () => "correct horse");
        Assert.Equal(identity.Recipient.Id, RecipientFiles.Load(configuration.Encryption)[0].Id);
    }

    [Fact]
    public async Task An_identity_without_its_recipient_gets_it_again()
    {
        await RunAsync();
        File.Delete(Path.Combine(_root, "etc", "recipient.pem"));

        var configuration = await RunAsync(force: true);

        using var identity = IdentityFile.Load(configuration.Encryption);
        Assert.Equal(identity.Recipient.Id, RecipientFiles.Load(configuration.Encryption)[0].Id);
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_named()
    {
        File.WriteAllText(Path.Combine(_root, "etc"), "a file");

        var error = await Assert.ThrowsAsync<RefusedInputException>(() => RunAsync());

        Assert.Contains(Path.Combine(_root, "etc"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_pair_is_never_replaced()
    {
        var (identity, recipient) = (Path.Combine(_root, "a.pem"), Path.Combine(_root, "a.pub"));
        var made = KeyFiles.Create(identity, recipient, null);

        Assert.Throws<ConflictException>(() => KeyFiles.Create(identity, recipient, null));
        Assert.Equal(made.Id, RecipientFiles.LoadOne(recipient).Id);
    }

    [Theory]
    [InlineData("ftp://me:hunter2@localhost/x")]
    [InlineData("s3://")]
    [InlineData("gopher://localhost/x")]
    [InlineData("/srv/pitr")]
    public async Task What_makes_no_configuration_is_refused_before_anything_is_written(string url)
    {
        var e = await Assert.ThrowsAsync<ConfigurationException>(() => RunAsync(url: url, options: url.StartsWith("ftp", StringComparison.Ordinal) ? [new("password", "${P}")] : []));

        Assert.StartsWith("pitr init: \"repositories.local.url\"", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", e + e.Hint, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }

    [Fact]
    public async Task A_repository_out_of_reach_leaves_the_configuration_and_says_how_to_go_on()
    {
        File.WriteAllText(Path.Combine(_root, "repository"), "no directory");

        var e = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => RunAsync());

        Assert.Contains("pitr repo init local", e.Hint, StringComparison.Ordinal);
        Assert.True(File.Exists(ConfigurationPath));

        File.Delete(Path.Combine(_root, "repository"));
        var settings = ConfigurationLoader.Load(ConfigurationPath, new Dictionary<string, string>()).Repository("local");
        await using var store = RepositoryOpener.Open(settings, TimeProvider.System, Logger.None);
        Assert.True((await RepositorySet.InitialiseAsync(store, TimeProvider.System, default)).IsNew);
        Assert.False((await RepositorySet.InitialiseAsync(store, TimeProvider.System, default)).IsNew);
    }

    [Fact]
    public async Task Keys_of_the_repository_are_written_and_used()
    {
        var configuration = await RunAsync(options: RepositoryOptions.Parse(["concurrency=3", "retry.deadline=7s"]));

        Assert.Equal(3, configuration.Repository("local").Limits.Concurrency);
        Assert.Equal(TimeSpan.FromSeconds(7), configuration.Repository("local").Retry.Deadline);
        Assert.True(File.Exists(Path.Combine(_root, "repository", RepositoryLayout.Repository)));
    }

    [Theory]
    [InlineData("region", "takes KEY=VALUE", "region=")]
    [InlineData("=x", "takes KEY=VALUE", "region=")]
    [InlineData("regoin=x", "no repository has the key \"regoin\"", "did you mean \"region\"?")]
    [InlineData("url=s3://x", "no repository has the key \"url\"", "there are: ")]
    [InlineData("password=hunter2", "can be read by everybody", "password=file:/path/of/the/file")]
    [InlineData("secret-key=file:relative", "can be read by everybody", "'secret-key=${VARIABLE}'")]
    [InlineData("proxy-password=", "can be read by everybody", "'proxy-password=${VARIABLE}'")]
    public void Options_are_judged_before_they_are_taken(string option, string message, string hint)
    {
        var e = Assert.Throws<RefusedInputException>(() => RepositoryOptions.Parse([option]));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Contains(hint, e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_are_taken_as_they_are_in_their_order()
    {
        Assert.Equal(
            [new("access-key", "AKIAEXAMPLE"), new("secret-key", "${A}"), new("session-token", "file:/a"), new("endpoint", "https://x/?a=b"), new("retry.max-delay", "1s")],
            RepositoryOptions.Parse(["access-key=AKIAEXAMPLE", "secret-key=${A}", "session-token=file:/a", "endpoint=https://x/?a=b", "retry.max-delay=1s"]));
        Assert.Throws<RefusedInputException>(() => RepositoryOptions.Parse(["region=a", "region=b"]));
    }

    Task<PitrConfiguration> RunAsync(
        bool force = false, string? passphrase = null, string? url = null, IReadOnlyList<KeyValuePair<string, string>>? options = null) => new InitRun(TimeProvider.System, Logger.None, new Dictionary<string, string>()).RunAsync(
        new InitRequest(
            ConfigurationPath,
            new NewConfiguration
            {
                ServiceName = "main",
                RepositoryUrl = url ?? new Uri(Path.Combine(_root, "repository")).AbsoluteUri,
                RepositoryOptions = options ?? [],
                RecipientFiles = [],
                StateDirectory = Path.Combine(_root, "state"),
            },
            passphrase,
            force),
        default);

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
