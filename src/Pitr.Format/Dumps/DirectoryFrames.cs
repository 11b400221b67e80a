using System.Buffers.Binary;
using System.Text;

namespace Pitr.Format.Dumps;

/// <summary>
/// Bytes of a stream that holds the files of one directory, which grow at the same time: the line <see cref="Magic"/>, then frames, the last of them the end. Numbers are little-endian;
/// files are numbered from 0 in the order in which they begin. See docs/format.md, section 11.
/// </summary>
public static class DirectoryFrames
{
    /// <summary>The longest name of a file, in bytes.</summary>
    public const int LongestName = 100;

    /// <summary>The longest piece of a file in one frame, in bytes.</summary>
    public const int LongestPiece = 1 << 20;

    /// <summary>Length of what stands before a piece, in bytes.</summary>
    public const int PieceHeaderLength = 9;

    /// <summary>Length of the frame that ends a file, and of the one that ends the stream, in bytes.</summary>
    public const int EndLength = 13;

    /// <summary>Length of the longest frame that begins a file, in bytes.</summary>
    public const int LongestBeginning = 6 + LongestName;

    internal const byte Beginning = (byte)'F';
    internal const byte Piece = (byte)'D';
    internal const byte FileEnd = (byte)'E';
    internal const byte End = (byte)'Z';

    /// <summary>What every such stream begins with.</summary>
    public static ReadOnlySpan<byte> Magic => "pitr directory 1\n"u8;

    /// <summary>Whether a name can stand in such a stream: letters, digits, "_", "-" and ".", not first, up to <see cref="LongestName"/> of them. So none leads anywhere else.</summary>
    public static bool IsName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is > 0 and <= LongestName && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.');
    }

    /// <summary>Writes the frame that begins a file.</summary>
    /// <param name="to">At least <see cref="LongestBeginning"/> bytes.</param>
    /// <param name="number">Of the file.</param>
    /// <param name="name">One that <see cref="IsName"/> takes.</param>
    /// <returns>Length of the frame in bytes.</returns>
    /// <exception cref="ArgumentException">The name cannot stand there.</exception>
    public static int WriteBeginning(Span<byte> to, uint number, string name)
    {
        if (!IsName(name))
        {
            throw new ArgumentException($"\"{name}\" is no name of a file in a dump", nameof(name));
        }

        to[0] = Beginning;
        BinaryPrimitives.WriteUInt32LittleEndian(to[1..], number);
        to[5] = (byte)name.Length;
        return 6 + Encoding.ASCII.GetBytes(name, to[6..]);
    }

    /// <summary>Writes what stands before a piece of a file, which follows.</summary>
    /// <param name="to">At least <see cref="PieceHeaderLength"/> bytes.</param>
    /// <param name="number">Of the file.</param>
    /// <param name="length">Of the piece, 1 to <see cref="LongestPiece"/> bytes.</param>
    public static void WritePieceHeader(Span<byte> to, uint number, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, LongestPiece);
        to[0] = Piece;
        BinaryPrimitives.WriteUInt32LittleEndian(to[1..], number);
        BinaryPrimitives.WriteInt32LittleEndian(to[5..], length);
    }

    /// <summary>Writes the frame that ends a file.</summary>
    /// <param name="to">At least <see cref="EndLength"/> bytes.</param>
    /// <param name="number">Of the file.</param>
    /// <param name="length">Of the whole file, in bytes.</param>
    public static void WriteFileEnd(Span<byte> to, uint number, long length) => WriteEnd(to, FileEnd, number, length);

    /// <summary>Writes the frame that ends the stream.</summary>
    /// <param name="to">At least <see cref="EndLength"/> bytes.</param>
    /// <param name="files">How many files there are.</param>
    /// <param name="length">Of all files together, in bytes.</param>
    public static void WriteEnd(Span<byte> to, uint files, long length) => WriteEnd(to, End, files, length);

    /// <summary>Whether the last bytes of a stream are an end of it.</summary>
    public static bool EndsWell(ReadOnlySpan<byte> tail) => tail.Length >= EndLength && tail[^EndLength] == End;

    static void WriteEnd(Span<byte> to, byte kind, uint number, long length)
    {
        to[0] = kind;
        BinaryPrimitives.WriteUInt32LittleEndian(to[1..], number);
        BinaryPrimitives.WriteInt64LittleEndian(to[5..], length);
    }
}
