namespace Pitr.Storage.Sftp;

/// <summary>The use of a session for one operation. Disposing gives it back, once.</summary>
sealed class SftpLease(SftpSession session, Action giveBack) : IDisposable
{
    Action? _giveBack = giveBack;

    public SftpSession Session => session;

    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
}
