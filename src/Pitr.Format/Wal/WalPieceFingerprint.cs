using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Pitr.Format.Wal;

/// <summary>
/// A 128-bit checksum of a piece of WAL, bound to cluster, timeline and place: AES-256-GMAC like <see cref="WalFingerprint"/>, with a key of its own.
/// A piece under another's name does not have the fingerprint it was stored with.
/// </summary>
public static class WalPieceFingerprint
{
    /// <param name="systemIdentifier">System identifier of the cluster.</param>
    /// <param name="timeline">Timeline of the segment's name.</param>
    /// <param name="start">Position of the first byte.</param>
    /// <param name="bytes">The piece.</param>
    public static byte[] Compute(ulong systemIdentifier, Timeline timeline, Lsn start, ReadOnlySpan<byte> bytes)
    {
        Span<byte> identifier = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(identifier, systemIdentifier);
        Span<byte> key = stackalloc byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, identifier, key, salt: [], info: "pitr/wal-piece-fingerprint/v1"u8);

        Span<byte> nonce = stackalloc byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(nonce, timeline.Value);
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], start.Value);

        var fingerprint = new byte[WalFingerprint.Size];
        using var gcm = new AesGcm(key, WalFingerprint.Size);
        gcm.Encrypt(nonce, default, default, fingerprint, bytes);
        return fingerprint;
    }
}
