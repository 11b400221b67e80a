namespace Pitr.Storage.Sftp;

/// <summary>Status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02 §7).</summary>
enum SftpStatus : uint
{
    Ok = 0,
    EndOfFile = 1,
    NoSuchFile = 2,
    PermissionDenied = 3,
    Failure = 4,
    BadMessage = 5,
    NoConnection = 6,
    ConnectionLost = 7,
    Unsupported = 8,
}
