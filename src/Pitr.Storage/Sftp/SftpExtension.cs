namespace Pitr.Storage.Sftp;

/// <summary>Extensions of OpenSSH's server (its file PROTOCOL, §4).</summary>
static class SftpExtension
{
    public const string Limits = "limits@openssh.com";
    public const string FSync = "fsync@openssh.com";
    public const string HardLink = "hardlink@openssh.com";

    /// <summary>rename(2): takes the place of a file that is there.</summary>
    public const string PosixRename = "posix-rename@openssh.com";

    /// <summary>Announced in version 2.</summary>
    public const string StatVfs = "statvfs@openssh.com";
}
