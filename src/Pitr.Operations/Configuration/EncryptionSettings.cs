namespace Pitr.Operations.Configuration;

/// <summary>The <c>encryption</c> section. Objects are always sealed; there is no way to turn that off.</summary>
/// <param name="RecipientFiles">Absolute paths of public keys (PEM) everything is sealed to; at least one.</param>
/// <param name="IdentityFile">
/// Absolute path of the private key, or null where none is kept. Only restore, verify and drill need it, so whether the file exists and is
/// private is checked by whoever reads it (<see cref="SecretFile.RequireOwnerOnly"/>), not when the configuration is read.
/// </param>
/// <param name="Passphrase">The passphrase of the identity, or null when it has none or is asked for.</param>
public sealed record EncryptionSettings(IReadOnlyList<string> RecipientFiles, string? IdentityFile, SecretValue? Passphrase);
