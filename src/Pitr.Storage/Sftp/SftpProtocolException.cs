namespace Pitr.Storage.Sftp;

/// <summary>The server sent something that is no SFTP.</summary>
sealed class SftpProtocolException(string message) : Exception(message);
