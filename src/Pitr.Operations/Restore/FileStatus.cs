namespace Pitr.Operations.Restore;

/// <summary>What the base library does not tell of a file (statx(2)); of a link itself, not of what it names.</summary>
/// <param name="Mode">st_mode: type and permissions.</param>
/// <param name="Links">How many names the file has.</param>
/// <param name="Size">Bytes.</param>
/// <param name="AllocatedBytes">Bytes on disk; fewer than <paramref name="Size"/> for a sparse file.</param>
/// <param name="Device">The file system it is on.</param>
readonly record struct FileStatus(int Mode, uint Links, long Size, long AllocatedBytes, ulong Device)
{
    const int TypeMask = 0xF000;
    const int RegularFile = 0x8000;

    /// <summary>Neither a directory, nor a link, nor a device, socket or pipe.</summary>
    public bool IsRegular => (Mode & TypeMask) == RegularFile;

    /// <summary>Asks the kernel.</summary>
    /// <exception cref="IOException">It cannot tell.</exception>
    public static FileStatus Of(string path)
    {
        LibC.Status(path, out var mode, out var links, out var size, out var allocated, out var device);
        return new FileStatus(mode, links, size, allocated, device);
    }
}
