namespace Pitr.Storage.Sftp;

/// <summary>There is no session, or it ended. The caller adds repository and object.</summary>
/// <param name="message">What happened and why, starting in lower case.</param>
/// <param name="isTransient">Whether another session may fare better.</param>
/// <param name="hint">What the operator can do.</param>
/// <param name="innerException">The cause, where there is one.</param>
sealed class SftpConnectionException(string message, bool isTransient, string? hint, Exception? innerException = null)
    : Exception(message, innerException)
{
    public bool IsTransient => isTransient;

    public string? Hint => hint;
}
