using System.Text;
using Pitr.Format.Keys;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Setup;

/// <summary>Writes a new key pair to two files.</summary>
public static class KeyFiles
{
    /// <summary>Makes a key pair.</summary>
    /// <param name="identityPath">Private key, mode 0600; must not exist.</param>
    /// <param name="recipientPath">Public key, readable by everybody.</param>
    /// <param name="passphrase">Protects the private key; null leaves it without.</param>
    /// <returns>The recipient.</returns>
    /// <exception cref="ConflictException">The identity exists: it is never replaced.</exception>
    public static Recipient Create(string identityPath, string recipientPath, string? passphrase)
    {
        if (File.Exists(identityPath))
        {
            throw new ConflictException(
                $"{identityPath} exists already",
                "an identity is never replaced, because what was sealed to it would be lost; name another file");
        }

        using var identity = Identity.Create();
        var pem = passphrase is null ? identity.ToPem() : identity.ToEncryptedPem(passphrase);
        StateFile.Replace(identityPath, Encoding.ASCII.GetBytes(pem));
        File.WriteAllText(recipientPath, identity.Recipient.ToPem());
        return identity.Recipient;
    }
}
