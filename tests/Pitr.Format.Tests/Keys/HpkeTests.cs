using System.Security.Cryptography;
using Pitr.Format.Keys;

namespace Pitr.Format.Tests.Keys;

public class HpkeTests
{
    static readonly byte[] Info = Hex("4f6465206f6e2061204772656369616e2055726e");
    static readonly byte[] Plaintext = Hex("4265617574792069732074727574682c20747275746820626561757479");
    static readonly byte[] AssociatedData = Hex("436f756e742d30");

    /// <summary>RFC 9180 appendix A.3.1: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode.</summary>
    static readonly Vector Appendix = new(
        HpkeAead.Aes128Gcm,
        EphemeralInput: "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e",
        EphemeralPrivate: "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
        RecipientInput: "668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550",
        RecipientPrivate: "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
        RecipientPublic: "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0",
        Encapsulated: "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
        SharedSecret: "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8",
        KeyScheduleContext: "00b88d4e6d91759e65e87c470e8b9141113e9ad5f0c8ceefc1e088c82e6980500798e486f9c9c09c9b5c753ac72d6005de254c607d1b534ed11d493ae1c1d9ac85",
        Secret: "2eb7b6bf138f6b5aff857414a058a3f1750054a9ba1f72c2cf0684a6f20b10e1",
        Key: "868c066ef58aae6dc589b6cfdd18f97e",
        BaseNonce: "4e0bc5018beba4bf004cca59",
        ExporterSecret: "14ad94af484a7ad3ef40e9f3be99ecc6fa9036df9d4920548424df127ee0d99f",
        Ciphertext: "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434");

    /// <summary>test-vectors.json published with RFC 9180: mode 0, KEM 16, KDF 1, AEAD 2, i.e. the suite repositories use.</summary>
    static readonly Vector Published = new(
        HpkeAead.Aes256Gcm,
        EphemeralInput: "a90d3417c3da9cb6c6ae19b4b5dd6cc9529a4cc24efb7ae0ace1f31887a8cd6c",
        EphemeralPrivate: "90345e3a1d116c1dd39ae76d95ab858c142223a63e44f8f85318cfa91a84858e",
        RecipientInput: "a0ce15d49e28bd47a18a97e147582d814b08cbe00109fed5ec27d1b4e9f6f5e3",
        RecipientPrivate: "317f915db7bc629c48fe765587897e01e282d3e8445f79f27f65d031a88082b2",
        RecipientPublic: "04abc7e49a4c6b3566d77d0304addc6ed0e98512ffccf505e6a8e3eb25c685136f853148544876de76c0f2ef99cdc3a05ccf5ded7860c7c021238f9e2073d2356c",
        Encapsulated: "04c06b4f6bebc7bb495cb797ab753f911aff80aefb86fd8b6fcc35525f3ab5f03e0b21bd31a86c6048af3cb2d98e0d3bf01da5cc4c39ff5370d331a4f1f7d5a4e0",
        SharedSecret: "48893fecd82f7c3456af6a42d8f56325d21e08c10fa81299986aaff54cde7b49",
        KeyScheduleContext: null,
        Secret: null,
        Key: "ee16802a936d5f544771131900ee6973d0551de9e852ece2ef34bf0d5f9e1d1d",
        BaseNonce: "9bc50980832a7b4b58c40161",
        ExporterSecret: "a8e9a7e62621879fdc89cea7da8e6153458f463e2851baaf009a7461d699cfb6",
        Ciphertext: "58c61a45059d0c5704560e9d88b564a8b63f1364b8d1fcb3c4c6ddc1d291742465e902cd216f8908da49f8f96f");

    [Fact]
    public void Every_intermediate_value_of_RFC_9180_appendix_A_3_1_is_met() => Verify(Appendix);

    [Fact]
    public void Every_intermediate_value_of_the_published_AES_256_GCM_vector_is_met() => Verify(Published);

    [Fact]
    public void Only_the_right_identity_opens()
    {
        using var identity = Identity.Create();
        using var other = Identity.Create();
        var result = Hpke.Seal(identity.Recipient, "info"u8, "data"u8, Plaintext);
        Assert.Equal(Plaintext, Hpke.Open(identity, result.EncapsulatedKey, "info"u8, "data"u8, result.Ciphertext));
        Assert.ThrowsAny<CryptographicException>(() => Hpke.Open(other, result.EncapsulatedKey, "info"u8, "data"u8, result.Ciphertext));
        Assert.ThrowsAny<CryptographicException>(() => Hpke.Open(identity, result.EncapsulatedKey, "other"u8, "data"u8, result.Ciphertext));
        Assert.ThrowsAny<CryptographicException>(() => Hpke.Open(identity, result.EncapsulatedKey, "info"u8, "other"u8, result.Ciphertext));
        Assert.ThrowsAny<CryptographicException>(() => Hpke.Open(identity, result.EncapsulatedKey, "info"u8, "data"u8, result.Ciphertext.AsSpan(1)));
        Assert.ThrowsAny<CryptographicException>(() => Hpke.Open(identity, result.EncapsulatedKey, "info"u8, "data"u8, default));
    }

    [Fact]
    public void Every_flipped_bit_is_refused()
    {
        using var identity = Identity.Create();
        var result = Hpke.Seal(identity.Recipient, "info"u8, "data"u8, Plaintext);
        foreach (var bytes in new[] { result.EncapsulatedKey, result.Ciphertext })
        {
            for (var bit = 0; bit < bytes.Length * 8; bit++)
            {
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.ThrowsAny<CryptographicException>(() => Hpke.Open(identity, result.EncapsulatedKey, "info"u8, "data"u8, result.Ciphertext));
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }

        Assert.Equal(Plaintext, Hpke.Open(identity, result.EncapsulatedKey, "info"u8, "data"u8, result.Ciphertext));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("02fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82")]
    [InlineData("0400000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" + "00")]
    public void A_point_off_the_curve_is_refused(string point)
    {
        using var identity = Identity.Create();
        Assert.ThrowsAny<CryptographicException>(() => Hpke.Open(identity, Hex(point), default, default, new byte[48]));
    }

    static byte[] Hex(string text) => Convert.FromHexString(text);

    static void AssertHex(string expected, ReadOnlySpan<byte> actual) => Assert.Equal(expected, Convert.ToHexStringLower(actual));

    static void Verify(Vector vector)
    {
        using var ephemeral = Hpke.DeriveKeyPair(Hex(vector.EphemeralInput));
        using var recipient = Hpke.DeriveKeyPair(Hex(vector.RecipientInput));
        AssertHex(vector.EphemeralPrivate, ephemeral.ExportParameters(true).D);
        AssertHex(vector.RecipientPrivate, recipient.ExportParameters(true).D);
        AssertHex(vector.Encapsulated, PublicPoint.Export(ephemeral));
        AssertHex(vector.RecipientPublic, PublicPoint.Export(recipient));

        var sharedSecret = Hpke.Encapsulate(ephemeral, Hex(vector.RecipientPublic));
        AssertHex(vector.SharedSecret, sharedSecret);
        AssertHex(vector.SharedSecret, Hpke.Decapsulate(recipient, Hex(vector.Encapsulated)));

        using var context = Hpke.Schedule(vector.Aead, sharedSecret, Info);
        if (vector.KeyScheduleContext is not null)
        {
            AssertHex(vector.KeyScheduleContext, context.KeyScheduleContext);
            AssertHex(vector.Secret!, context.Secret);
        }

        AssertHex(vector.Key, context.Key);
        AssertHex(vector.BaseNonce, context.BaseNonce);
        AssertHex(vector.ExporterSecret, context.ExporterSecret);

        var result = Hpke.Seal(vector.Aead, ephemeral, Hex(vector.RecipientPublic), Info, AssociatedData, Plaintext);
        AssertHex(vector.Encapsulated, result.EncapsulatedKey);
        AssertHex(vector.Ciphertext, result.Ciphertext);
        Assert.Equal(Plaintext, Hpke.Open(vector.Aead, recipient, result.EncapsulatedKey, Info, AssociatedData, result.Ciphertext));
    }

    sealed record Vector(
        HpkeAead Aead,
        string EphemeralInput,
        string EphemeralPrivate,
        string RecipientInput,
        string RecipientPrivate,
        string RecipientPublic,
        string Encapsulated,
        string SharedSecret,
        string? KeyScheduleContext,
        string? Secret,
        string Key,
        string BaseNonce,
        string ExporterSecret,
        string Ciphertext);
}

