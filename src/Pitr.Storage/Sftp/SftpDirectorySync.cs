namespace Pitr.Storage.Sftp;

/// <summary>
/// fsync of directories, without which a new name may not survive a power cut. The protocol has no request for it, but a server on Linux opens
/// a directory for reading like a file, and fsync@openssh.com takes that handle. A server that refuses is declared less durable.
/// </summary>
sealed class SftpDirectorySync(SftpErrors errors, SftpServerFeatures features)
{
    /// <summary>Makes the names in directories durable, all at once.</summary>
    /// <exception cref="StorageException">The server could do it before, and now failed.</exception>
    public async Task SyncAsync(SftpSession session, IReadOnlyList<string> paths, string? key)
    {
        if (!features.DirectorySync)
        {
            return;
        }

        var opening = paths.Select(path => session.OpenAsync(path, SftpOpenFlags.Read)).ToArray();
        var syncing = new Task<SftpReply>?[paths.Count];
        for (var i = 0; i < paths.Count; i++)
        {
            var opened = await opening[i];
            if (opened.Type == SftpPacketType.Handle)
            {
                syncing[i] = session.FSyncAsync(opened.Bytes);
                Forget(session.CloseAsync(opened.Bytes));
            }
            else if (opened.Status != SftpStatus.NoSuchFile)
            {
                features.LoseDirectorySync(paths[i], opened.Words);
            }
        }

        for (var i = 0; i < paths.Count; i++)
        {
            if (syncing[i] is { } answer)
            {
                Judge(await answer, paths[i], key);
            }
        }
    }

    // A session that ends takes its handles along.
    static void Forget(Task task) => _ = task.ContinueWith(
        static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    void Judge(SftpReply reply, string path, string? key)
    {
        if (reply.IsOk)
        {
            features.SawDirectorySync();
        }
        else if (features.MayLackDirectorySync || reply.Status is SftpStatus.Unsupported or SftpStatus.BadMessage)
        {
            features.LoseDirectorySync(path, reply.Words);
        }
        else
        {
            throw errors.From(reply, key, "cannot fsync the directory", path);
        }
    }
}
