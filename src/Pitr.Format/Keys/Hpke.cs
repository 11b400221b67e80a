using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Pitr.Format.Keys;

/// <summary>
/// Hybrid public key encryption, RFC 9180, base mode, single shot: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
/// </summary>
public static class Hpke
{
    const ushort KemP256HkdfSha256 = 0x0010;
    const ushort KdfHkdfSha256 = 0x0001;
    const int HashSize = 32;
    const int NonceSize = 12;
    const int TagSize = 16;

    /// <summary>Encrypts to the recipient (RFC 9180 §6.1).</summary>
    public static HpkeSealed Seal(Recipient recipient, ReadOnlySpan<byte> info, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext)
    {
        ArgumentNullException.ThrowIfNull(recipient);
        using var ephemeral = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        return Seal(HpkeAead.Aes256Gcm, ephemeral, recipient.PublicKey, info, associatedData, plaintext);
    }

    /// <summary>Decrypts with the identity.</summary>
    /// <exception cref="CryptographicException">
    /// The encapsulated key is not a P-256 point, or authentication fails: another identity, other info or associated data, or damage.
    /// </exception>
    public static byte[] Open(
        Identity identity,
        ReadOnlySpan<byte> encapsulatedKey,
        ReadOnlySpan<byte> info,
        ReadOnlySpan<byte> associatedData,
        ReadOnlySpan<byte> ciphertext)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return Open(HpkeAead.Aes256Gcm, identity.Key, encapsulatedKey, info, associatedData, ciphertext);
    }

    internal static HpkeSealed Seal(
        HpkeAead aead,
        ECDiffieHellman ephemeral,
        ReadOnlySpan<byte> recipientPublicKey,
        ReadOnlySpan<byte> info,
        ReadOnlySpan<byte> associatedData,
        ReadOnlySpan<byte> plaintext)
    {
        var encapsulatedKey = PublicPoint.Export(ephemeral);
        var sharedSecret = Encapsulate(ephemeral, recipientPublicKey);
        try
        {
            using var context = Schedule(aead, sharedSecret, info);
            var ciphertext = new byte[plaintext.Length + TagSize];
            using var gcm = new AesGcm(context.Key, TagSize);
            gcm.Encrypt(context.BaseNonce, plaintext, ciphertext.AsSpan(0, plaintext.Length), ciphertext.AsSpan(plaintext.Length), associatedData);
            return new HpkeSealed(encapsulatedKey, ciphertext);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(sharedSecret);
        }
    }

    internal static byte[] Open(
        HpkeAead aead,
        ECDiffieHellman recipient,
        ReadOnlySpan<byte> encapsulatedKey,
        ReadOnlySpan<byte> info,
        ReadOnlySpan<byte> associatedData,
        ReadOnlySpan<byte> ciphertext)
    {
        if (ciphertext.Length < TagSize)
        {
            throw new CryptographicException($"ciphertext of {ciphertext.Length} bytes is shorter than its tag");
        }

        var sharedSecret = Decapsulate(recipient, encapsulatedKey);
        try
        {
            using var context = Schedule(aead, sharedSecret, info);
            var plaintext = new byte[ciphertext.Length - TagSize];
            using var gcm = new AesGcm(context.Key, TagSize);
            gcm.Decrypt(context.BaseNonce, ciphertext[..^TagSize], ciphertext[^TagSize..], plaintext, associatedData);
            return plaintext;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(sharedSecret);
        }
    }

    /// <summary>Encap() of RFC 9180 §4.1 with a given ephemeral key.</summary>
    internal static byte[] Encapsulate(ECDiffieHellman ephemeral, ReadOnlySpan<byte> recipientPublicKey) =>
        SharedSecret(ephemeral, recipientPublicKey, PublicPoint.Export(ephemeral), recipientPublicKey);

    /// <summary>Decap() of RFC 9180 §4.1.</summary>
    internal static byte[] Decapsulate(ECDiffieHellman recipient, ReadOnlySpan<byte> encapsulatedKey) =>
        SharedSecret(recipient, encapsulatedKey, encapsulatedKey, PublicPoint.Export(recipient));

    /// <summary>DeriveKeyPair() of RFC 9180 §7.1.3 for P-256.</summary>
    internal static ECDiffieHellman DeriveKeyPair(ReadOnlySpan<byte> inputKeyMaterial)
    {
        var suite = KemSuite();
        var pseudoRandomKey = LabeledExtract(suite, default, "dkp_prk"u8, inputKeyMaterial);
        for (var counter = 0; counter <= byte.MaxValue; counter++)
        {
            var candidate = LabeledExpand(suite, pseudoRandomKey, "candidate"u8, [(byte)counter], HashSize);
            if (IsScalar(candidate))
            {
                return ImportPrivate(candidate);
            }
        }

        throw new CryptographicException("no private key can be derived from this input");
    }

    internal static ECDiffieHellman ImportPrivate(byte[] scalar) =>
        ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar });

    /// <summary>KeySchedule() of RFC 9180 §5.1 in base mode, without a pre-shared key.</summary>
    internal static HpkeContext Schedule(HpkeAead aead, ReadOnlySpan<byte> sharedSecret, ReadOnlySpan<byte> info)
    {
        var keySize = aead == HpkeAead.Aes128Gcm ? 16 : 32;
        var suite = new byte[10];
        "HPKE"u8.CopyTo(suite);
        BinaryPrimitives.WriteUInt16BigEndian(suite.AsSpan(4), KemP256HkdfSha256);
        BinaryPrimitives.WriteUInt16BigEndian(suite.AsSpan(6), KdfHkdfSha256);
        BinaryPrimitives.WriteUInt16BigEndian(suite.AsSpan(8), (ushort)aead);

        byte[] context = [0, .. LabeledExtract(suite, default, "psk_id_hash"u8, default), .. LabeledExtract(suite, default, "info_hash"u8, info)];
        var secret = LabeledExtract(suite, sharedSecret, "secret"u8, default);
        return new HpkeContext(
            context,
            secret,
            LabeledExpand(suite, secret, "key"u8, context, keySize),
            LabeledExpand(suite, secret, "base_nonce"u8, context, NonceSize),
            LabeledExpand(suite, secret, "exp"u8, context, HashSize));
    }

    static byte[] SharedSecret(ECDiffieHellman own, ReadOnlySpan<byte> peer, ReadOnlySpan<byte> encapsulatedKey, ReadOnlySpan<byte> recipientPublicKey)
    {
        using var other = PublicPoint.Import(peer);
        using var otherPublic = other.PublicKey;
        var agreed = own.DeriveRawSecretAgreement(otherPublic);
        try
        {
            byte[] kemContext = [.. encapsulatedKey, .. recipientPublicKey];
            var suite = KemSuite();
            var pseudoRandomKey = LabeledExtract(suite, default, "eae_prk"u8, agreed);
            var sharedSecret = LabeledExpand(suite, pseudoRandomKey, "shared_secret"u8, kemContext, HashSize);
            CryptographicOperations.ZeroMemory(pseudoRandomKey);
            return sharedSecret;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(agreed);
        }
    }

    static byte[] KemSuite()
    {
        var suite = new byte[5];
        "KEM"u8.CopyTo(suite);
        BinaryPrimitives.WriteUInt16BigEndian(suite.AsSpan(3), KemP256HkdfSha256);
        return suite;
    }

    // RFC 9180 §4.
    static byte[] LabeledExtract(byte[] suite, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> label, ReadOnlySpan<byte> inputKeyMaterial)
    {
        byte[] labeled = [.. "HPKE-v1"u8, .. suite, .. label, .. inputKeyMaterial];
        var result = new byte[HashSize];
        HKDF.Extract(HashAlgorithmName.SHA256, labeled, salt, result);
        CryptographicOperations.ZeroMemory(labeled);
        return result;
    }

    static byte[] LabeledExpand(byte[] suite, ReadOnlySpan<byte> pseudoRandomKey, ReadOnlySpan<byte> label, ReadOnlySpan<byte> info, int length)
    {
        byte[] labeled = [(byte)(length >> 8), (byte)length, .. "HPKE-v1"u8, .. suite, .. label, .. info];
        var result = new byte[length];
        HKDF.Expand(HashAlgorithmName.SHA256, pseudoRandomKey, result, labeled);
        return result;
    }

    // 0 < scalar < order of P-256.
    static bool IsScalar(byte[] candidate)
    {
        ReadOnlySpan<byte> order =
        [
            0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
        ];
        return candidate.AsSpan().ContainsAnyExcept((byte)0) && candidate.AsSpan().SequenceCompareTo(order) < 0;
    }
}
