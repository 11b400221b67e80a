namespace Pitr.Storage.File;

/// <summary>
/// Which file or directory this is, whatever its name. Inode numbers are used again after a removal, so the time of birth belongs to it
/// (zero on file systems that keep none).
/// </summary>
readonly record struct FileIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode, long BirthSeconds, uint BirthNanoseconds)
{
    /// <summary>Whether both are on the same file system.</summary>
    public bool IsOnDeviceOf(FileIdentity other) => DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor;
}
