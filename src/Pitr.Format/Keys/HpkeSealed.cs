namespace Pitr.Format.Keys;

/// <summary>Result of <see cref="Hpke.Seal"/>.</summary>
/// <param name="EncapsulatedKey">RFC 9180's <c>enc</c>: the ephemeral public key, 65 bytes.</param>
/// <param name="Ciphertext">Ciphertext and 16-byte tag.</param>
public readonly record struct HpkeSealed(byte[] EncapsulatedKey, byte[] Ciphertext);
