using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Pitr.Format.Keys;

/// <summary>
/// A private key that opens what was sealed to its recipient: EC P-256, kept as PKCS#8 PEM, optionally encrypted with a passphrase
/// (PBES2 with PBKDF2-HMAC-SHA512, 600 000 iterations, AES-256-CBC; RFC 8018), which openssl reads too.
/// </summary>
public sealed class Identity : IDisposable
{
    const int Iterations = 600_000;
    const string PlainLabel = "PRIVATE KEY";
    const string EncryptedLabel = "ENCRYPTED PRIVATE KEY";

    Identity(ECDiffieHellman key)
    {
        Key = key;
        Recipient = Recipient.FromKey(key);
    }

    /// <summary>The public half.</summary>
    public Recipient Recipient { get; }

    internal ECDiffieHellman Key { get; }

    /// <summary>Makes a new random identity.</summary>
    public static Identity Create() => new(ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Whether <see cref="FromPem"/> will need a passphrase.</summary>
    public static bool IsEncrypted(ReadOnlySpan<char> pem) =>
        PemEncoding.TryFind(pem, out var fields) && pem[fields.Label].SequenceEqual(EncryptedLabel);

    /// <param name="pem">The text of an identity file; text around the PEM block is ignored.</param>
    /// <param name="passphrase">Needed for an encrypted identity, ignored for a plain one.</param>
    /// <exception cref="CryptographicException">No private key, a damaged one, or not one on P-256. The message says which.</exception>
    /// <exception cref="WrongIdentityException">The identity is encrypted and the passphrase is missing or wrong.</exception>
    public static Identity FromPem(ReadOnlySpan<char> pem, ReadOnlySpan<char> passphrase = default)
    {
        if (!PemEncoding.TryFind(pem, out var fields))
        {
            throw new CryptographicException("no PEM block found; an identity file holds a \"PRIVATE KEY\" or \"ENCRYPTED PRIVATE KEY\" block");
        }

        var label = pem[fields.Label];
        if (label.SequenceEqual("PUBLIC KEY"))
        {
            throw new CryptographicException("this is a recipient (a public key); opening needs the identity (the private key)");
        }

        var encrypted = label.SequenceEqual(EncryptedLabel);
        if (!encrypted && !label.SequenceEqual(PlainLabel))
        {
            throw new CryptographicException($"found a \"{label}\" PEM block; an identity file holds PKCS#8, i.e. \"PRIVATE KEY\" or \"ENCRYPTED PRIVATE KEY\"");
        }

        var der = GC.AllocateUninitializedArray<byte>(fields.DecodedDataLength, pinned: true);
        try
        {
            if (!Convert.TryFromBase64Chars(pem[fields.Base64Data], der, out _))
            {
                throw new CryptographicException("identity is damaged: its PEM block is not base64");
            }

            return Import(der, encrypted, passphrase);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    /// <summary>The unprotected PEM text; to be kept where nobody else reads it.</summary>
    public string ToPem() => Key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <exception cref="ArgumentException">The passphrase is empty.</exception>
    public string ToEncryptedPem(ReadOnlySpan<char> passphrase)
    {
        if (passphrase.IsEmpty)
        {
            throw new ArgumentException("passphrase is empty", nameof(passphrase));
        }

        var parameters = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA512, Iterations);
        return Key.ExportEncryptedPkcs8PrivateKeyPem(passphrase, parameters) + "\n";
    }

    public void Dispose() => Key.Dispose();

    /// <summary>The id of the public half only.</summary>
    public override string ToString() => $"identity of {Recipient}";

    static Identity Import(byte[] der, bool encrypted, ReadOnlySpan<char> passphrase)
    {
        RequireWholeSequence(der);
        var key = ECDiffieHellman.Create();
        try
        {
            if (!encrypted)
            {
                key.ImportPkcs8PrivateKey(der, out _);
            }
            else if (passphrase.IsEmpty)
            {
                throw new WrongIdentityException("identity is protected by a passphrase and none was given");
            }
            else
            {
                ImportEncrypted(key, der, passphrase);
            }

            return new Identity(key);
        }
        catch (CryptographicException e)
        {
            key.Dispose();
            throw new CryptographicException($"identity is not a usable P-256 private key: {e.Message}", e);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    static void ImportEncrypted(ECDiffieHellman key, byte[] der, ReadOnlySpan<char> passphrase)
    {
        try
        {
            key.ImportEncryptedPkcs8PrivateKey(passphrase, der, out _);
        }
        catch (CryptographicException e)
        {
            // CBC padding cannot tell a wrong passphrase from damage, but the former is what happens.
            throw new WrongIdentityException("wrong passphrase for the identity (or its file is damaged)", e);
        }
    }

    // A cut or lengthened file is told apart here from a wrong passphrase.
    static void RequireWholeSequence(byte[] der)
    {
        if (!AsnDecoder.TryReadEncodedValue(der, AsnEncodingRules.BER, out var tag, out _, out _, out var consumed)
            || !tag.HasSameClassAndValue(Asn1Tag.Sequence) || consumed != der.Length)
        {
            throw new CryptographicException("identity is damaged: its PEM block is not one whole PKCS#8 structure");
        }
    }
}
