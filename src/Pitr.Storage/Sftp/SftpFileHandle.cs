namespace Pitr.Storage.Sftp;

/// <summary>A file or directory opened on the server. Closed exactly once: the server gives the same handle to the next one who opens.</summary>
sealed class SftpFileHandle(SftpSession session, byte[] bytes)
{
    Task<SftpReply>? _closing;

    public byte[] Bytes => bytes;

    public Task<SftpReply> CloseAsync() => _closing ??= session.CloseAsync(bytes);
}
