namespace Pitr.Storage.Sftp;

/// <summary>How a file is opened (draft-ietf-secsh-filexfer-02 §6.3).</summary>
[Flags]
enum SftpOpenFlags : uint
{
    None = 0,
    Read = 0x01,
    Write = 0x02,
    Create = 0x08,
    Exclusive = 0x20,
}
