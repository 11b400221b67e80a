using System.Security.Cryptography;

namespace Pitr.Storage.Sftp;

/// <summary>
/// Puts one object: written under a name that is no key, fsynced, given its name, the directories fsynced. Requests are sent ahead of their
/// answers, so the time of a put is that of its bytes and a handful of round trips.
/// </summary>
sealed class SftpObjectWriter(string repository, SftpTree tree, SftpErrors errors, SftpServerFeatures features, TimeProvider timeProvider)
{
    const uint FileMode = 0x180; // 0600
    static readonly TimeSpan CleanUpPatience = TimeSpan.FromSeconds(5);

    /// <summary>Puts the object; <see langword="false"/> when its directory is missing.</summary>
    /// <exception cref="StorageException">It was not stored, or nobody can tell.</exception>
    public async Task<bool> TryPutAsync(
        SftpSession session, string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        var directoryKey = SftpTree.Split(key).Directory;
        var temporaryName = ObjectKey.ReservedPrefix + RandomNumberGenerator.GetHexString(16, lowercase: true);
        var temporary = tree.PathOf(directoryKey.Length == 0 ? temporaryName : $"{directoryKey}/{temporaryName}");
        var asking = tree.AskForRootAsync(session);
        var examining = mode == PutMode.CreateNew ? session.LStatAsync(tree.PathOf(key)) : null;
        var opening = session.OpenAsync(temporary, SftpOpenFlags.Write | SftpOpenFlags.Create | SftpOpenFlags.Exclusive, FileMode);
        SftpFileHandle? handle = null;
        try
        {
            var opened = await opening.WaitAsync(cancellationToken);
            if (opened.Type != SftpPacketType.Handle)
            {
                return opened.Status == SftpStatus.NoSuchFile
                    ? false
                    : throw await errors.FromWriteAsync(
                        session, opened, key, "cannot create a file in", tree.PathOf(directoryKey), tree.PathOf(""), content.Length);
            }

            handle = new SftpFileHandle(session, opened.Bytes);
            await tree.RequireRootAsync(session, await asking.WaitAsync(cancellationToken)).WaitAsync(cancellationToken);
            if (examining is not null)
            {
                await ThrowIfTakenAsync(session, await examining.WaitAsync(cancellationToken), directoryKey, key);
            }

            var acknowledging = new SftpWriteWindow(session, errors, content.Length, key, temporary, tree.PathOf(""));
            using (content.IsAtHand ? await session.Turns.TakeAsync(cancellationToken) : null)
            {
                await WriteAsync(session, handle, key, content, acknowledging, cancellationToken);
            }

            // The server takes requests in order, so the last writes need not be acknowledged before.
            var finishing = FinishAsync(session, handle, temporary, directoryKey, key);
            await acknowledging.DrainAsync(cancellationToken);
            await finishing.WaitAsync(cancellationToken);
            await tree.RemoveLeftoversAsync(session, directoryKey, temporaryName).WaitAsync(cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            // From here on its outcome is waited for: a cancelled put must not turn out to have happened.
            await PublishAsync(session, temporary, directoryKey, key, mode);
        }
        catch
        {
            await CleanUpAsync(session, opening, handle, temporary);
            throw;
        }

        await tree.SyncAsync(session, directoryKey, key);
        return true;
    }

    async Task WriteAsync(
        SftpSession session, SftpFileHandle handle, string key, ObjectContent content, SftpWriteWindow window,
        CancellationToken cancellationToken)
    {
        var source = content.OpenRead();
        await using (source)
        {
            var offset = 0L;
            while (offset < content.Length)
            {
                await window.HaveRoomAsync(cancellationToken);
                var wanted = content.MaxSend((int)Math.Min(session.WriteSize, content.Length - offset));
                var packet = await session.BeginWriteAsync(handle.Bytes, offset, wanted, cancellationToken);
                try
                {
                    var room = packet.BeginString(wanted);
                    var read = await source.ReadAtLeastAsync(room, wanted, throwOnEndOfStream: false, cancellationToken);
                    if (read < wanted)
                    {
                        throw WrongLength(key, $"{offset + read} instead of the {content.Length} bytes");
                    }

                    packet.EndString(read);
                    await content.BeforeSendingAsync(read, cancellationToken);
                }
                catch
                {
                    packet.Dispose();
                    throw;
                }

                window.Add(session.RequestAsync(packet), wanted);
                offset += wanted;
            }

            if (await source.ReadAsync(new byte[1], cancellationToken) > 0)
            {
                throw WrongLength(key, $"more than the {content.Length} bytes");
            }
        }
    }

    StorageException WrongLength(string key, string what) => errors.Error(
        key, $"its content gave {what} announced", transient: false, "the source changed while it was read; take it again");

    /// <summary>Makes the bytes durable, and meanwhile the directories above.</summary>
    async Task FinishAsync(SftpSession session, SftpFileHandle handle, string temporary, string directoryKey, string key)
    {
        var syncing = features.FileSync ? session.FSyncAsync(handle.Bytes) : null;
        var closing = handle.CloseAsync();
        var above = tree.SyncParentsAsync(session, directoryKey, key);
        if (syncing is not null && await syncing is { IsOk: false } refused)
        {
            if (refused.Status != SftpStatus.Unsupported)
            {
                throw await errors.FromWriteAsync(session, refused, key, "cannot fsync", temporary, tree.PathOf(""), needed: 0);
            }

            features.LoseFileSync();
        }

        if (await closing is { IsOk: false } failed)
        {
            throw await errors.FromWriteAsync(session, failed, key, "cannot close", temporary, tree.PathOf(""), needed: 0);
        }

        await above;
    }

    async Task PublishAsync(SftpSession session, string temporary, string directoryKey, string key, PutMode mode)
    {
        if (mode == PutMode.CreateNew)
        {
            if (!features.HardLinks || !await TryLinkAsync(session, temporary, directoryKey, key))
            {
                await RenameIfAbsentAsync(session, temporary, directoryKey, key);
            }

            return;
        }

        if (features.PosixRename)
        {
            var renamed = await session.PosixRenameAsync(temporary, tree.PathOf(key));
            if (renamed.IsOk)
            {
                return;
            }

            if (renamed.Status != SftpStatus.Unsupported)
            {
                throw await RenameErrorAsync(session, renamed, key);
            }

            features.LosePosixRename();
        }

        await ReplaceInStepsAsync(session, temporary, key);
    }

    /// <summary>
    /// A second name for the finished file, unless it is taken; then the first is removed. <see langword="false"/> when the server cannot.
    /// </summary>
    async Task<bool> TryLinkAsync(SftpSession session, string temporary, string directoryKey, string key)
    {
        for (var attempt = 0; ; attempt++)
        {
            var linking = session.HardLinkAsync(temporary, tree.PathOf(key));
            // Asked with it, so that it costs no round trip.
            var looking = session.LStatAsync(tree.PathOf(key));
            var linked = await linking;
            var seen = await looking;
            if (linked.IsOk)
            {
                // Alone once more, should the server have taken the two out of turn.
                if (seen.Status == SftpStatus.NoSuchFile && (await session.LStatAsync(tree.PathOf(key))).Status == SftpStatus.NoSuchFile)
                {
                    // Seen with rclone's server: says yes and does nothing. The first name is the only one.
                    features.LoseHardLinks("The server makes no hard links although it says it does");
                    return false;
                }

                if (await session.RemoveAsync(temporary) is { IsOk: false, Status: not SftpStatus.NoSuchFile } refused)
                {
                    // Invisible, and removed by a put after a day.
                    features.Note($"The unfinished object {temporary} cannot be removed: {refused.Words}.");
                }

                return true;
            }

            await ThrowIfTakenAsync(session, await session.LStatAsync(tree.PathOf(key)), directoryKey, key);
            if (linked.Status == SftpStatus.NoSuchFile)
            {
                throw errors.From(linked, key, "cannot name the finished file", tree.PathOf(key));
            }

            // Once more, as the one who had taken the name may have removed it again. Then it is the file system that has no links.
            if (attempt > 0)
            {
                return false;
            }
        }
    }

    // A reader never sees half an object this way either, but only OpenSSH's server makes this rename refuse a taken name in one step.
    async Task RenameIfAbsentAsync(SftpSession session, string temporary, string directoryKey, string key)
    {
        var path = tree.PathOf(key);
        await ThrowIfTakenAsync(session, await session.LStatAsync(path), directoryKey, key);
        var renamed = await session.RenameAsync(temporary, path);
        if (!renamed.IsOk)
        {
            await ThrowIfTakenAsync(session, await session.LStatAsync(path), directoryKey, key);
            throw await RenameErrorAsync(session, renamed, key);
        }

        if (features.HardLinks)
        {
            features.LoseHardLinks($"The file system of {tree.PathOf("")} has no hard links");
        }
    }

    // Never without at least one of the two contents on the server, and the old one is put back if the new one cannot take its place.
    async Task ReplaceInStepsAsync(SftpSession session, string temporary, string key)
    {
        var path = tree.PathOf(key);
        var renamed = await session.RenameAsync(temporary, path);
        if (renamed.IsOk)
        {
            return;
        }

        var there = await session.LStatAsync(path);
        if (there.Type != SftpPacketType.Attributes || !there.Attributes.IsRegularFile)
        {
            throw await RenameErrorAsync(session, renamed, key);
        }

        var old = temporary + "-old";
        if (await session.RenameAsync(path, old) is { IsOk: false } refused)
        {
            throw errors.From(refused, key, "cannot move the old object away from", path);
        }

        renamed = await session.RenameAsync(temporary, path);
        if (!renamed.IsOk)
        {
            await session.RenameAsync(old, path);
            throw errors.From(renamed, key, "cannot rename the finished file to", path);
        }

        await session.RemoveAsync(old);
    }

    async Task<StorageException> RenameErrorAsync(SftpSession session, SftpReply refused, string key)
    {
        var path = tree.PathOf(key);
        return await session.LStatAsync(path) is { Type: SftpPacketType.Attributes, Attributes.IsDirectory: true }
            ? errors.PrefixInTheWay(key, path)
            : await errors.FromWriteAsync(session, refused, key, "cannot rename the finished file to", path, tree.PathOf(""), needed: 0);
    }

    async Task ThrowIfTakenAsync(SftpSession session, SftpReply examined, string directoryKey, string key)
    {
        if (examined.Status == SftpStatus.NoSuchFile)
        {
            return;
        }

        var path = tree.PathOf(key);
        if (examined.Type != SftpPacketType.Attributes)
        {
            throw errors.From(examined, key, "cannot examine", path);
        }

        if (examined.Attributes.IsDirectory)
        {
            throw errors.PrefixInTheWay(key, path);
        }

        errors.RequireRegularFile(key, path, examined.Attributes);
        // Whoever put it may have been killed before this; our caller may take "exists" for "stored".
        await tree.SyncParentsAsync(session, directoryKey, key);
        await tree.SyncAsync(session, directoryKey, key);
        throw new ObjectExistsException(repository, key);
    }

    async Task CleanUpAsync(SftpSession session, Task<SftpReply> opening, SftpFileHandle? handle, string temporary)
    {
        try
        {
            // When the server does not answer, it goes on by itself.
            await RemoveAsync().WaitAsync(CleanUpPatience, timeProvider);
        }
        catch (TimeoutException)
        {
            // The failure that led here is the one to report. What is left is invisible, and removed by a put after a day.
        }

        async Task RemoveAsync()
        {
            try
            {
                var opened = await opening;
                if (opened.Type == SftpPacketType.Handle)
                {
                    handle ??= new SftpFileHandle(session, opened.Bytes);
                    await Task.WhenAll(handle.CloseAsync(), session.RemoveAsync(temporary));
                }
            }
            catch (SftpConnectionException)
            {
                // The session ended, which the caller is told already, or will find out.
            }
        }
    }
}
