namespace Pitr.Operations.Dumps.Redis;

/// <summary>How what <c>redis-cli --rdb -</c> writes ends (Redis 7 src/rdb.h, src/redis-cli.c).</summary>
static class RdbEnd
{
    /// <summary>So many of the last bytes say everything.</summary>
    public const int Length = TransferMarkLength + ChecksumLength + 1;

    // RDB_OPCODE_EOF, and the CRC-64 that follows it.
    const byte EndOfFile = 0xff;
    const int ChecksumLength = 8;

    // RDB_EOF_MARK_SIZE: where a server sends its data without a file of its own, random digits mark their end, and redis-cli cuts them off only where it writes a file.
    const int TransferMarkLength = 40;

    /// <summary>Length of the digits that belong to the transfer and not to the file; 0 if there are none.</summary>
    public static int TransferMark(ReadOnlySpan<byte> tail) =>
        // The end of a file is no such digit, so these cannot be part of it.
        tail.Length >= TransferMarkLength && tail[^TransferMarkLength..].IndexOfAnyExcept("0123456789abcdef"u8) < 0 ? TransferMarkLength : 0;

    /// <summary>Whether a file ends so.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> tail) => tail.Length > ChecksumLength && tail[^(ChecksumLength + 1)] == EndOfFile;
}
