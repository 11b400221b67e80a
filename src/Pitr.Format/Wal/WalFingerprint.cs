using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Pitr.Format.Wal;

/// <summary>
/// A 128-bit checksum of a WAL file that anyone can compute who has the file and knows which cluster it belongs to: AES-256-GMAC. It tells
/// whether a file pushed again is the one already stored, without any secret. It is not a proof against someone who chooses the content.
/// </summary>
public static class WalFingerprint
{
    /// <summary>Bytes in a fingerprint.</summary>
    public const int Size = 16;

    /// <param name="systemIdentifier">System identifier of the cluster. Histories carry none, so it is not used for them.</param>
    /// <param name="name">Name of the file: its numbers are the nonce, so equal content under another name differs.</param>
    /// <param name="plaintext">The whole file as PostgreSQL wrote it.</param>
    public static byte[] Compute(ulong systemIdentifier, WalFileName name, ReadOnlySpan<byte> plaintext)
    {
        if (name.Kind is WalFileKind.History or WalFileKind.BackupHistory)
        {
            systemIdentifier = 0;
        }

        Span<byte> identifier = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(identifier, systemIdentifier);
        Span<byte> key = stackalloc byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, identifier, key, salt: [], info: "pitr/wal-fingerprint/v1"u8);

        Span<byte> nonce = stackalloc byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(nonce, name.Timeline.Value);
        BinaryPrimitives.WriteUInt32BigEndian(nonce[4..], name.Segment?.Log ?? 0);
        BinaryPrimitives.WriteUInt32BigEndian(nonce[8..], name.Segment?.Segment ?? 0);

        var fingerprint = new byte[Size];
        using var gcm = new AesGcm(key, Size);
        gcm.Encrypt(nonce, default, default, fingerprint, plaintext);
        return fingerprint;
    }
}
