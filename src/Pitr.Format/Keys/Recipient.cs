using System.Security.Cryptography;

namespace Pitr.Format.Keys;

/// <summary>A public key that data keys are wrapped to: EC P-256, kept as SubjectPublicKeyInfo PEM (RFC 5480).</summary>
public sealed class Recipient
{
    readonly byte[] _info;

    Recipient(ECDiffieHellman key)
    {
        _info = key.ExportSubjectPublicKeyInfo();
        PublicKey = PublicPoint.Export(key);
        Id = Convert.ToHexStringLower(SHA256.HashData(_info).AsSpan(0, 16));
    }

    /// <summary>First 16 bytes of SHA-256 of the DER form, as 32 lower-case hexadecimal digits.</summary>
    public string Id { get; }

    /// <summary>The uncompressed point, 65 bytes.</summary>
    internal byte[] PublicKey { get; }

    /// <param name="pem">The text of a recipient file; text around the PEM block is ignored.</param>
    /// <exception cref="CryptographicException">No public key, or not one on P-256. The message says which.</exception>
    public static Recipient FromPem(ReadOnlySpan<char> pem)
    {
        if (!PemEncoding.TryFind(pem, out var fields))
        {
            throw new CryptographicException("no PEM block found; a recipient file holds a \"PUBLIC KEY\" block");
        }

        var label = pem[fields.Label];
        if (label.EndsWith("PRIVATE KEY", StringComparison.Ordinal))
        {
            throw new CryptographicException("this is an identity (a private key); give the recipient (its public key) instead and keep the identity elsewhere");
        }

        if (!label.SequenceEqual("PUBLIC KEY"))
        {
            throw new CryptographicException($"found a \"{label}\" PEM block; a recipient file holds a \"PUBLIC KEY\" block");
        }

        using var key = ECDiffieHellman.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(pem[fields.Base64Data].ToString()), out _);
        }
        catch (CryptographicException e)
        {
            throw new CryptographicException($"recipient is not an elliptic curve public key: {e.Message}", e);
        }

        return FromKey(key);
    }

    public string ToPem() => PemEncoding.WriteString("PUBLIC KEY", _info) + "\n";

    public override string ToString() => $"recipient {Id}";

    internal static Recipient FromKey(ECDiffieHellman key)
    {
        if (!PublicPoint.IsP256(key))
        {
            throw new CryptographicException("key is not on curve P-256 (prime256v1), the only one supported");
        }

        return new Recipient(key);
    }
}
