using System.Buffers.Binary;
using System.Security.Cryptography;
using Pitr.Format.Keys;

namespace Pitr.Format.Sealing;

/// <summary>
/// The 104 bytes at the start of every sealed object, little-endian; layout in docs/format.md. They are readable without a key, and are
/// authenticated together with the content.
/// </summary>
public sealed record SealedObjectHeader
{
    /// <summary>Bytes in a header.</summary>
    public const int Size = 104;

    /// <summary>64 KiB chunks.</summary>
    public const int DefaultChunkSizeLog2 = 16;

    internal const int SaltSize = 32;
    internal const int FingerprintSize = 16;
    const byte Version = 1;
    const int MinimumChunkSizeLog2 = 10;
    const int MaximumChunkSizeLog2 = 24;

    public required SealedObjectCodec Codec { get; init; }

    public required SealedObjectKind Kind { get; init; }

    /// <summary>Chunks have 2 to this power bytes before encryption, but the last may have fewer: 10 to 24.</summary>
    public int ChunkSizeLog2 { get; init; } = DefaultChunkSizeLog2;

    public required DataKeyId KeyId { get; init; }

    /// <summary>32 random bytes; with the data key they make the key of this object alone.</summary>
    public required byte[] Salt { get; init; }

    /// <summary>16 bytes that tell equal plaintexts (WAL: always; else zero).</summary>
    public byte[] Fingerprint { get; init; } = new byte[FingerprintSize];

    /// <summary>Bytes before compression; 0 if unknown.</summary>
    public long PlaintextLength { get; init; }

    /// <summary>WAL: time of the first commit in the segment, in µs since 2000-01-01 00:00 UTC; 0 if there is none.</summary>
    public long FirstCommit { get; init; }

    /// <summary>WAL: time of the last commit in the segment, in µs since 2000-01-01 00:00 UTC; 0 if there is none.</summary>
    public long LastCommit { get; init; }

    internal int ChunkSize => 1 << ChunkSizeLog2;

    /// <summary>What every sealed object begins with.</summary>
    public static ReadOnlySpan<byte> Magic => "PITRSEAL"u8;

    /// <summary>A header with a fresh random salt, for one object only: sealing two objects under one header breaks both.</summary>
    /// <param name="kind">What the object will hold.</param>
    /// <param name="codec">How it will be compressed.</param>
    /// <param name="keyId">The data key it will be sealed with.</param>
    /// <param name="plaintextLength">Bytes before compression; 0 if unknown.</param>
    /// <param name="fingerprint">16 bytes; null for none.</param>
    /// <param name="firstCommit">µs since 2000-01-01 00:00 UTC; 0 if there is none.</param>
    /// <param name="lastCommit">µs since 2000-01-01 00:00 UTC; 0 if there is none.</param>
    /// <param name="chunkSizeLog2">10 to 24.</param>
    public static SealedObjectHeader Create(
        SealedObjectKind kind,
        SealedObjectCodec codec,
        DataKeyId keyId,
        long plaintextLength = 0,
        byte[]? fingerprint = null,
        long firstCommit = 0,
        long lastCommit = 0,
        int chunkSizeLog2 = DefaultChunkSizeLog2) => new()
        {
            Codec = codec,
            Kind = kind,
            ChunkSizeLog2 = chunkSizeLog2,
            KeyId = keyId,
            Salt = RandomNumberGenerator.GetBytes(SaltSize),
            Fingerprint = fingerprint ?? new byte[FingerprintSize],
            PlaintextLength = plaintextLength,
            FirstCommit = firstCommit,
            LastCommit = lastCommit,
        };

    /// <param name="bytes">At least 104 bytes; the first 104 count.</param>
    /// <exception cref="DamagedObjectException">Too short, no magic, or reserved bytes are not zero.</exception>
    /// <exception cref="UnsupportedFormatException">Unknown version, codec, kind or chunk size.</exception>
    public static SealedObjectHeader Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Size)
        {
            throw new DamagedObjectException($"sealed object ends after {bytes.Length} bytes, its header alone has {Size}");
        }

        if (!bytes[..8].SequenceEqual(Magic))
        {
            throw new DamagedObjectException($"not a sealed object: it begins with {Convert.ToHexStringLower(bytes[..8])} instead of \"PITRSEAL\"");
        }

        RequireSupported(bytes[8] == Version, "version", bytes[8], $"{Version}");
        RequireSupported(bytes[9] <= (byte)SealedObjectCodec.Zstd, "codec", bytes[9], "0 (none) and 1 (zstd)");
        RequireSupported(bytes[10] <= (byte)SealedObjectKind.Manifest, "kind", bytes[10], "0 (stream), 1 (wal), 2 (pack) and 3 (manifest)");
        RequireSupported(
            bytes[11] is >= MinimumChunkSizeLog2 and <= MaximumChunkSizeLog2, "chunk size 2^", bytes[11], $"{MinimumChunkSizeLog2} to {MaximumChunkSizeLog2}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) != 0)
        {
            throw new DamagedObjectException("header of the sealed object is damaged: its reserved bytes are not zero");
        }

        var plaintextLength = BinaryPrimitives.ReadInt64LittleEndian(bytes[80..]);
        if (plaintextLength < 0)
        {
            throw new DamagedObjectException($"header of the sealed object is damaged: it gives a plaintext length of {(ulong)plaintextLength} bytes");
        }

        return new SealedObjectHeader
        {
            Codec = (SealedObjectCodec)bytes[9],
            Kind = (SealedObjectKind)bytes[10],
            ChunkSizeLog2 = bytes[11],
            KeyId = DataKeyId.FromBytes(bytes[16..]),
            Salt = bytes.Slice(32, SaltSize).ToArray(),
            Fingerprint = bytes.Slice(64, FingerprintSize).ToArray(),
            PlaintextLength = plaintextLength,
            FirstCommit = BinaryPrimitives.ReadInt64LittleEndian(bytes[88..]),
            LastCommit = BinaryPrimitives.ReadInt64LittleEndian(bytes[96..]),
        };
    }

    /// <param name="destination">At least 104 bytes; the first 104 are written.</param>
    /// <exception cref="InvalidOperationException">A field is out of its range.</exception>
    public void Write(Span<byte> destination)
    {
        RequireValid();
        destination = destination[..Size];
        destination.Clear();
        Magic.CopyTo(destination);
        destination[8] = Version;
        destination[9] = (byte)Codec;
        destination[10] = (byte)Kind;
        destination[11] = (byte)ChunkSizeLog2;
        KeyId.WriteTo(destination[16..]);
        Salt.CopyTo(destination[32..]);
        Fingerprint.CopyTo(destination[64..]);
        BinaryPrimitives.WriteInt64LittleEndian(destination[80..], PlaintextLength);
        BinaryPrimitives.WriteInt64LittleEndian(destination[88..], FirstCommit);
        BinaryPrimitives.WriteInt64LittleEndian(destination[96..], LastCommit);
    }

    /// <exception cref="DamagedObjectException">The object is of another kind than its place in the repository says.</exception>
    public void RequireKind(SealedObjectKind kind)
    {
        if (Kind != kind)
        {
            throw new DamagedObjectException($"sealed object is of kind {Name(Kind)}, expected {Name(kind)}");
        }
    }

    /// <summary>
    /// Holds the length of a stored object against its header, as far as that is possible without the data key: whole chunks, and with codec none
    /// the exact length.
    /// </summary>
    /// <param name="length">Bytes of the whole object as stored.</param>
    /// <exception cref="DamagedObjectException">No object with this header has that length.</exception>
    public void RequireStoredLength(long length)
    {
        var content = length - Size;
        if (Kind == SealedObjectKind.Pack)
        {
            // A pack without records is its header.
            Require(content is 0 or > ObjectCipher.TagSize);
            return;
        }

        var stride = (long)ChunkSize + ObjectCipher.TagSize;
        var chunks = Math.Max(1, ((content - 1) / stride) + 1);
        var last = content - ((chunks - 1) * stride);
        Require(last >= ObjectCipher.TagSize && (chunks == 1 || last > ObjectCipher.TagSize));
        var sealedBytes = content - (chunks * ObjectCipher.TagSize);
        Require(Codec == SealedObjectCodec.None ? PlaintextLength == 0 || sealedBytes == PlaintextLength : sealedBytes > 0);

        void Require(bool possible)
        {
            if (!possible)
            {
                throw new DamagedObjectException($"sealed object has {length} bytes, which its header does not allow: it is cut short or continued");
            }
        }
    }

    public bool Equals(SealedObjectHeader? other)
    {
        if (other is null)
        {
            return false;
        }

        Span<byte> own = stackalloc byte[Size];
        Span<byte> others = stackalloc byte[Size];
        Write(own);
        other.Write(others);
        return own.SequenceEqual(others);
    }

    public override int GetHashCode() => BinaryPrimitives.ReadInt32LittleEndian(Salt);

    static string Name(SealedObjectKind kind) => kind switch
    {
        SealedObjectKind.Stream => "stream",
        SealedObjectKind.Wal => "wal",
        SealedObjectKind.Pack => "pack",
        _ => "manifest",
    };

    static void RequireSupported(bool condition, string what, byte found, string supported)
    {
        if (!condition)
        {
            throw new UnsupportedFormatException($"sealed object has {what} {found}, this program supports {supported}: it is damaged or needs a newer pitr");
        }
    }

    void RequireValid()
    {
        if (Salt.Length != SaltSize || Fingerprint.Length != FingerprintSize || PlaintextLength < 0
            || ChunkSizeLog2 is < MinimumChunkSizeLog2 or > MaximumChunkSizeLog2
            || Codec > SealedObjectCodec.Zstd || Kind > SealedObjectKind.Manifest)
        {
            throw new InvalidOperationException("header of a sealed object has a field out of range");
        }
    }
}
