namespace Pitr.Storage.Sftp;

/// <summary>
/// Lets the files that are put through one session have their bytes sent in turn. Sent side by side, they would all be complete at the same moment, late,
/// and be fsynced one after the other while the line is idle. In turn, one is fsynced while the next one is on its way.
/// </summary>
sealed class SftpTurns
{
    // Not disposed: a file gives its turn back whenever, and without a wait handle there is nothing to free.
    readonly SemaphoreSlim _free = new(1);

    /// <summary>Waits until the bytes of no other file are being sent; disposing lets the next one begin.</summary>
    public async Task<IDisposable> TakeAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        return new Turn(_free);
    }

    sealed class Turn(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }
}
