using System.Security.Cryptography;
using Pitr.Format.Keys;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Keys;

/// <summary>Reads the public keys that data keys are wrapped to.</summary>
public static class RecipientFiles
{
    /// <summary>Loads every recipient the configuration names, in order, without duplicates.</summary>
    /// <exception cref="KeyUnavailableException">A file is missing or is not a P-256 public key.</exception>
    public static IReadOnlyList<Recipient> Load(EncryptionSettings settings)
    {
        var recipients = settings.RecipientFiles.Select(LoadOne).DistinctBy(r => r.Id).ToArray();
        return recipients.Length > 0
            ? recipients
            : throw new KeyUnavailableException(
                "no recipient is configured, so nothing could be sealed",
                "name a public key in encryption.recipients, or run `pitr init`");
    }

    /// <summary>Loads one recipient.</summary>
    public static Recipient LoadOne(string path)
    {
        try
        {
            return Recipient.FromPem(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or FormatException)
        {
            throw new KeyUnavailableException(
                $"the recipient {path} cannot be read: {e.Message}",
                "it must be a PEM public key (BEGIN PUBLIC KEY) on P-256, as `pitr key new` writes",
                e);
        }
    }
}
