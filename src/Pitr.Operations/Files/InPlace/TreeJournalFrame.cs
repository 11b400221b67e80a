using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Pitr.Operations.Files.InPlace;

/// <summary>
/// One piece of the journal of a restore of files in place: length (4 bytes), the first 8 bytes of a SHA-256 over its place in the file, its kind and its content, the kind (1 byte), the content. Before the
/// pieces the file has a head: 8 bytes that say what it is, how far it was durable at least when that was written (8 bytes), and 8 bytes of the SHA-256 of both. Numbers are little-endian.
/// </summary>
static class TreeJournalFrame
{
    public const byte Begin = 1, Directories = 2, Made = 3, DirectoryAside = 4, Batch = 5, Placed = 6, Aside = 7;

    /// <summary>Bytes of the head of the file.</summary>
    public const int HeadLength = 24;

    /// <summary>Bytes before the content of a piece.</summary>
    public const int Overhead = 13;

    const int Longest = 64 << 20;
    const int CheckLength = 8;

    static ReadOnlySpan<byte> Magic => "pitrfip1"u8;

    /// <summary>The head of the file.</summary>
    /// <param name="durable">Bytes of the file that are durable for certain.</param>
    public static byte[] Head(long durable)
    {
        var head = new byte[HeadLength];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(8), durable);
        SHA256.HashData(head.AsSpan(0, 16)).AsSpan(0, CheckLength).CopyTo(head.AsSpan(16));
        return head;
    }

    /// <summary>Reads the head of the file.</summary>
    /// <exception cref="FormatException">It makes no sense.</exception>
    public static long ReadHead(ReadOnlySpan<byte> head)
    {
        var durable = head.Length == HeadLength ? BinaryPrimitives.ReadInt64LittleEndian(head[8..]) : -1;
        return durable >= 0 && head.SequenceEqual(Head(durable)) ? durable : throw new FormatException("it does not begin as one");
    }

    /// <summary>A piece as it stands at a place in the file.</summary>
    public static byte[] Encode(long place, byte kind, ReadOnlySpan<byte> content)
    {
        var frame = new byte[Overhead + content.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, content.Length);
        frame[Overhead - 1] = kind;
        content.CopyTo(frame.AsSpan(Overhead));
        Check(place, frame).CopyTo(frame.AsSpan(4));
        return frame;
    }

    /// <summary>Reads the piece at a place of the file; null where there is no whole one.</summary>
    public static (byte Kind, byte[] Content)? TryRead(FileStream file, long place)
    {
        var before = new byte[Overhead];
        file.Position = place;
        if (file.ReadAtLeast(before, before.Length, throwOnEndOfStream: false) < before.Length
            || BinaryPrimitives.ReadInt32LittleEndian(before) is var length && (length is < 0 or > Longest || place + Overhead + length > file.Length))
        {
            return null;
        }

        var frame = new byte[Overhead + length];
        before.CopyTo(frame, 0);
        file.ReadExactly(frame.AsSpan(Overhead));
        return Check(place, frame).SequenceEqual(frame.AsSpan(4, CheckLength)) ? (frame[Overhead - 1], frame[Overhead..]) : null;
    }

    static ReadOnlySpan<byte> Check(long place, byte[] frame)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var at = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(at, place);
        hash.AppendData(at);
        hash.AppendData(frame, Overhead - 1, frame.Length - Overhead + 1);
        return hash.GetHashAndReset().AsSpan(0, CheckLength);
    }
}
