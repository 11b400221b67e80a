namespace Pitr.Storage.Sftp;

/// <summary>What a server tells about a file; it may leave out any of it.</summary>
/// <param name="Size">Bytes, if told.</param>
/// <param name="Mode">st_mode with its type bits, if told.</param>
/// <param name="Modified">Time of the last change, in whole seconds, if told.</param>
readonly record struct SftpAttributes(ulong? Size, uint? Mode, DateTimeOffset? Modified)
{
    const uint TypeMask = 0xF000;

    public bool IsDirectory => (Mode & TypeMask) == 0x4000;

    public bool IsRegularFile => (Mode & TypeMask) == 0x8000;

    public bool IsSymbolicLink => (Mode & TypeMask) == 0xA000;

    /// <summary>Whether everything a listing needs is there.</summary>
    public bool IsComplete => Mode is { } mode && (mode & TypeMask) != 0 && Size is not null && Modified is not null;
}
