using Pitr.Format.Keys;

namespace Pitr.Format.Tests;

/// <summary>
/// What earlier versions wrote must open for ever. Golden/v1 was written once by <see cref="SampleRepository"/>; a new format gets a directory
/// beside it, made by running the second test with PITR_GOLDEN set to that directory.
/// </summary>
public class GoldenTests
{
    [Theory]
    [InlineData("v1")]
    public void Every_released_format_still_opens(string version)
    {
        using var plain = Identity.FromPem(File.ReadAllText(Samples.GoldenPath($"{version}/identity.pem")));
        using var encrypted = Identity.FromPem(File.ReadAllText(Samples.GoldenPath($"{version}/identity-encrypted.pem")), SampleRepository.Passphrase);
        var recipient = Recipient.FromPem(File.ReadAllText(Samples.GoldenPath($"{version}/recipient.pem")));
        Assert.Equal(recipient.Id, plain.Recipient.Id);
        Assert.Equal(recipient.Id, encrypted.Recipient.Id);
        new SampleRepositoryChecks(Samples.GoldenPath($"{version}/repository"), encrypted).Everything();
    }

    [Fact]
    public void What_is_written_now_opens_the_same_way()
    {
        using var scratch = new ScratchDirectory();
        var root = Environment.GetEnvironmentVariable("PITR_GOLDEN") ?? scratch.Path;
        using var identity = Identity.Create();
        using var key = Samples.Key();
        var repository = Path.Combine(root, "repository");
        SampleRepository.Write(repository, key, identity);
        File.WriteAllText(Path.Combine(root, "identity.pem"), identity.ToPem());
        File.WriteAllText(Path.Combine(root, "identity-encrypted.pem"), identity.ToEncryptedPem(SampleRepository.Passphrase));
        File.WriteAllText(Path.Combine(root, "recipient.pem"), identity.Recipient.ToPem());
        new SampleRepositoryChecks(repository, identity).Everything();
    }
}
