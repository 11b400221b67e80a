namespace Pitr.Storage.Ftp;

/// <summary>What a name in a directory names.</summary>
enum FtpEntryKind
{
    File,
    Directory,

    /// <summary>A link, a device or something the server does not tell: nothing of a repository.</summary>
    Other,
}
