namespace Pitr.Storage.Sftp;

/// <summary>What ssh does about a server whose host key is not in known_hosts. A key that <em>changed</em> is refused either way.</summary>
public enum SftpHostKeyChecking
{
    /// <summary>Refuse an unknown server (<c>StrictHostKeyChecking=yes</c>).</summary>
    Yes,

    /// <summary>Remember an unknown server's key at the first connection and hold the server to it (<c>accept-new</c>).</summary>
    AcceptNew,
}
