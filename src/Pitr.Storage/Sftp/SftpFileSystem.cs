namespace Pitr.Storage.Sftp;

/// <summary>A file system on the server, as statvfs@openssh.com tells (OpenSSH's PROTOCOL §4.4).</summary>
/// <param name="Id">What tells it from others on the same server.</param>
/// <param name="FreeBytes">What the user may still write.</param>
/// <param name="TotalBytes">Its size.</param>
/// <param name="HasNoFreeFiles">Whether it has run out of inodes.</param>
readonly record struct SftpFileSystem(ulong Id, long FreeBytes, long TotalBytes, bool HasNoFreeFiles)
{
    public static bool TryParse(SftpReply reply, out SftpFileSystem fileSystem)
    {
        const int Fields = 11;
        fileSystem = default;
        if (reply.Type != SftpPacketType.ExtendedReply || reply.Bytes.Length < Fields * sizeof(ulong))
        {
            return false;
        }

        var reader = new SftpPacketReader(reply.Bytes);
        reader.UInt64();
        var blockSize = reader.UInt64();
        var blocks = reader.UInt64();
        reader.UInt64();
        var available = reader.UInt64();
        var files = reader.UInt64();
        reader.UInt64();
        var filesAvailable = reader.UInt64();
        // File systems that make inodes as needed count none at all.
        fileSystem = new SftpFileSystem(
            reader.UInt64(), Bytes(available, blockSize), Bytes(blocks, blockSize), HasNoFreeFiles: files > 0 && filesAvailable == 0);
        return true;
    }

    static long Bytes(ulong blocks, ulong blockSize) => (long)UInt128.Min((UInt128)blocks * blockSize, long.MaxValue);
}
