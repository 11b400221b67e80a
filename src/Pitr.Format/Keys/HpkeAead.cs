namespace Pitr.Format.Keys;

/// <summary>AEAD identifiers of RFC 9180 §7.3. Repositories use AES-256-GCM only; the other serves the RFC's published vectors.</summary>
enum HpkeAead : ushort
{
    Aes128Gcm = 1,
    Aes256Gcm = 2,
}
