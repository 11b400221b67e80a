using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Keys;
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

    Task<PitrConfiguration> RunAsync(bool force = false, string? passphrase = null) => new InitRun(TimeProvider.System, Logger.None, new Dictionary<string, string>()).RunAsync(
        new InitRequest(
            ConfigurationPath,
            new NewConfiguration
            {
                ServiceName = "main",
                RepositoryUrl = new Uri(Path.Combine(_root, "repository")).AbsoluteUri,
                RecipientFiles = [],
                StateDirectory = Path.Combine(_root, "state"),
            },
            passphrase,
            force),
        default);

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
