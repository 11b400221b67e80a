using System.Security.Cryptography;
using Pitr.Format;
using Pitr.Format.Keys;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Keys;

/// <summary>Reads the private key that opens sealed objects. Only restore, drill, verify and key work need it.</summary>
public static class IdentityFile
{
    /// <summary>Loads the identity the configuration names.</summary>
    /// <param name="settings">Where the identity lies, and its passphrase if it has one.</param>
    /// <param name="askPassphrase">Asked when the file is passphrase-protected and the configuration has no passphrase; may return null.</param>
    /// <exception cref="KeyUnavailableException">No identity configured, the file is missing, or the passphrase is wrong.</exception>
    /// <exception cref="ConfigurationException">The file can be read by others.</exception>
    public static Identity Load(EncryptionSettings settings, Func<string?>? askPassphrase = null)
    {
        if (settings.IdentityFile is not { } path)
        {
            throw new KeyUnavailableException(
                "no identity is configured, and this work must open sealed objects",
                "set encryption.identity to the private key's file, or run this where the identity is kept");
        }

        return Load(path, settings.Passphrase?.Reveal(), askPassphrase);
    }

    /// <summary>Loads an identity from a file that nobody but its owner can read.</summary>
    public static Identity Load(string path, string? passphrase, Func<string?>? askPassphrase = null)
    {
        if (!File.Exists(path))
        {
            throw new KeyUnavailableException(
                $"the identity file {path} does not exist",
                "bring identity.pem from the recovery kit to that path, or name its path in encryption.identity");
        }

        SecretFile.RequireOwnerOnly(path);
        var pem = File.ReadAllText(path);
        try
        {
            if (Identity.IsEncrypted(pem))
            {
                passphrase ??= askPassphrase?.Invoke() ?? throw new KeyUnavailableException(
                    $"the identity {path} is protected by a passphrase and none was given",
                    "set encryption.passphrase: ${PITR_PASSPHRASE} and that variable, or run the command on a terminal");
            }

            return Identity.FromPem(pem, passphrase);
        }
        catch (Exception e) when (e is CryptographicException or WrongIdentityException or ArgumentException)
        {
            throw new KeyUnavailableException(
                $"the identity {path} cannot be opened: {e.Message}",
                "check the passphrase and that the file is the PEM that `pitr init` or `pitr key new` wrote",
                e);
        }
    }
}
