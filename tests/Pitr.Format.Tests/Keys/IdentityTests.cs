using System.Security.Cryptography;
using Pitr.Format.Keys;

namespace Pitr.Format.Tests.Keys;

public class IdentityTests
{
    const string Passphrase = "correct horse battery staple";

    [Fact]
    public void An_identity_survives_its_text()
    {
        using var identity = Identity.Create();
        using var again = Identity.FromPem(identity.ToPem());
        Assert.Equal(identity.Recipient.Id, again.Recipient.Id);
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----\n", identity.ToPem(), StringComparison.Ordinal);
        Assert.False(Identity.IsEncrypted(identity.ToPem()));
    }

    [Fact]
    public void An_encrypted_identity_needs_its_passphrase()
    {
        using var identity = Identity.Create();
        var pem = identity.ToEncryptedPem(Passphrase);
        Assert.True(Identity.IsEncrypted(pem));
        using var again = Identity.FromPem("# a remark above\n" + pem + "\n", Passphrase);
        Assert.Equal(identity.Recipient.Id, again.Recipient.Id);
        Assert.Contains("none was given", Assert.Throws<WrongIdentityException>(() => Identity.FromPem(pem)).Message, StringComparison.Ordinal);
        Assert.Contains("wrong passphrase", Assert.Throws<WrongIdentityException>(() => Identity.FromPem(pem, "other")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => identity.ToEncryptedPem(""));
    }

    [Fact]
    public void A_recipient_survives_its_text()
    {
        using var identity = Identity.Create();
        var again = Recipient.FromPem(identity.Recipient.ToPem());
        Assert.Equal(identity.Recipient.Id, again.Id);
        Assert.Equal(identity.Recipient.ToPem(), again.ToPem());
        Assert.Equal(32, again.Id.Length);
    }

    [Fact]
    public void The_wrong_half_is_named()
    {
        using var identity = Identity.Create();
        Assert.Contains("identity", Assert.Throws<CryptographicException>(() => Recipient.FromPem(identity.ToPem())).Message, StringComparison.Ordinal);
        Assert.Contains("recipient", Assert.Throws<CryptographicException>(() => Identity.FromPem(identity.Recipient.ToPem())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_curves_and_algorithms_are_refused()
    {
        using var p384 = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        Assert.Contains("P-256", Assert.Throws<CryptographicException>(() => Identity.FromPem(p384.ExportPkcs8PrivateKeyPem())).Message, StringComparison.Ordinal);
        Assert.Contains("P-256", Assert.Throws<CryptographicException>(() => Recipient.FromPem(p384.ExportSubjectPublicKeyInfoPem())).Message, StringComparison.Ordinal);
        Assert.Throws<CryptographicException>(() => Identity.FromPem(rsa.ExportPkcs8PrivateKeyPem()));
        Assert.Throws<CryptographicException>(() => Recipient.FromPem(rsa.ExportSubjectPublicKeyInfoPem()));
        Assert.Contains("RSA PRIVATE KEY", Assert.Throws<CryptographicException>(() => Identity.FromPem(rsa.ExportRSAPrivateKeyPem())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")]
    [InlineData("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----")]
    public void Text_that_is_no_key_is_refused(string pem)
    {
        Assert.Throws<CryptographicException>(() => Identity.FromPem(pem, Passphrase));
        Assert.Throws<CryptographicException>(() => Recipient.FromPem(pem));
    }

    [Fact]
    public void A_cut_identity_is_damaged_not_wrongly_protected()
    {
        using var identity = Identity.Create();
        foreach (var (pem, label) in new[] { (identity.ToPem(), "PRIVATE KEY"), (identity.ToEncryptedPem(Passphrase), "ENCRYPTED PRIVATE KEY") })
        {
            var fields = PemEncoding.Find(pem);
            var der = Convert.FromBase64String(pem[fields.Base64Data]);
            foreach (var cut in new[] { der[..^1], der[..10], [.. der, 0] })
            {
                Assert.Throws<CryptographicException>(() => Identity.FromPem(PemEncoding.WriteString(label, cut), Passphrase));
            }
        }
    }

    [Fact]
    public void Text_forms_tell_no_secret()
    {
        using var identity = Identity.Create();
        using var key = Samples.Key();
        Assert.Equal($"identity of recipient {identity.Recipient.Id}", identity.ToString());
        Assert.Equal("data key 000102030405060708090a0b0c0d0e0f", key.ToString());
    }

    [Fact]
    public void A_disposed_key_is_gone()
    {
        var key = Samples.Key();
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.Secret.Length);
    }
}
