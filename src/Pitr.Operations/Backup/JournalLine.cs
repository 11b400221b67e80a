using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Pitr.Operations.Backup;

/// <summary>
/// A line of a <see cref="BackupJournal"/>: 16 hexadecimal digits of the SHA-256 of the JSON that follows behind a blank. Exactly one member is set.
/// </summary>
sealed record JournalLine
{
    const int Digits = 16;

    /// <summary>The backup; the first line, and only that.</summary>
    public JournalHeader? Begun { get; init; }

    /// <summary>Where pieces of a relation's file lie in a pack, which may never have been stored.</summary>
    public PlacedPieces? Placed { get; init; }

    /// <summary>A pack is in as many repositories as are required.</summary>
    public JournaledPack? Stored { get; init; }

    /// <summary>A file with a page whose checksum is wrong, as a path below the data directory.</summary>
    public string? Damaged { get; init; }

    /// <summary>Its bytes without the end of the line.</summary>
    public byte[] ToBytes()
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(this, JournalJson.Default.JournalLine);
        var line = new byte[Digits + 1 + json.Length];
        WriteDigest(json, line);
        line[Digits] = (byte)' ';
        json.CopyTo(line, Digits + 1);
        return line;
    }

    /// <summary>Reads one; null when it is not what was written.</summary>
    public static JournalLine? TryParse(ReadOnlySpan<byte> line)
    {
        Span<byte> digest = stackalloc byte[Digits];
        if (line.Length <= Digits + 1)
        {
            return null;
        }

        var json = line[(Digits + 1)..];
        WriteDigest(json, digest);
        return line[..Digits].SequenceEqual(digest) ? JsonSerializer.Deserialize(json, JournalJson.Default.JournalLine) : null;
    }

    static void WriteDigest(ReadOnlySpan<byte> json, Span<byte> digits)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(json, digest);
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(digest[..(Digits / 2)]), digits);
    }
}
