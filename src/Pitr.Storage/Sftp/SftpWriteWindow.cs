namespace Pitr.Storage.Sftp;

/// <summary>The writes of one file that are under way, bounded in number, and their answers in order.</summary>
sealed class SftpWriteWindow(SftpSession session, SftpErrors errors, long length, string key, string path, string directory)
{
    const int Window = 4 * 1024 * 1024;

    readonly Queue<(Task<SftpReply> Answer, int Size)> _underWay = new();
    readonly int _most = Math.Max(2, Window / session.WriteSize);
    long _acknowledged;

    /// <summary>Waits until another write may be sent.</summary>
    /// <exception cref="StorageException">An earlier one was refused.</exception>
    public Task HaveRoomAsync(CancellationToken cancellationToken) => DrainAsync(_most - 1, cancellationToken);

    /// <summary>Waits until all are acknowledged.</summary>
    /// <exception cref="StorageException">One was refused.</exception>
    public Task DrainAsync(CancellationToken cancellationToken) => DrainAsync(0, cancellationToken);

    public void Add(Task<SftpReply> answer, int size) => _underWay.Enqueue((answer, size));

    async Task DrainAsync(int left, CancellationToken cancellationToken)
    {
        while (_underWay.Count > left)
        {
            var (answer, size) = _underWay.Dequeue();
            if (await answer.WaitAsync(cancellationToken) is { IsOk: false } refused)
            {
                // What is under way may fail or not; the file is thrown away.
                throw await errors.FromWriteAsync(session, refused, key, "cannot write", path, directory, length - _acknowledged);
            }

            _acknowledged += size;
        }
    }
}
