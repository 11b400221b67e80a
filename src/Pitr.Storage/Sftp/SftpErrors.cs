namespace Pitr.Storage.Sftp;

/// <summary>Turns answers and lost sessions of one repository into <see cref="StorageException"/>s that say what to do next.</summary>
sealed class SftpErrors(string repository, SftpOptions options, SftpServerFeatures features)
{
    const long NearlyNothing = 64 * 1024;

    /// <summary>The error for a refused request.</summary>
    /// <param name="reply">The answer.</param>
    /// <param name="key">The object concerned, if any.</param>
    /// <param name="what">What failed, such as <c>cannot write</c>.</param>
    /// <param name="path">The file or directory it failed on, on the server.</param>
    public StorageException From(SftpReply reply, string? key, string what, string path)
    {
        var message = $"{what} {path} on {options.Host}: {reply.Words}";
        return reply.Status switch
        {
            SftpStatus.PermissionDenied => Error(
                key, message, transient: false, $"let {Somebody} read and write {path} and everything below it on the server"),
            SftpStatus.NoConnection or SftpStatus.ConnectionLost => Error(key, message, transient: true),
            SftpStatus.Unsupported => Error(key, message, transient: false, "the server lacks what is needed; OpenSSH's own offers it"),
            SftpStatus.BadMessage => Error(key, message, transient: false, "the server's file system may not take this name or its length"),
            SftpStatus.NoSuchFile => Error(key, message, transient: true, "something else removes files from the repository"),
            _ => Error(
                key, message, transient: false,
                "the server does not say more: look for a quota, a limit on file sizes, a read-only file system or a disk error there"),
        };
    }

    /// <summary>The same for a request that may have met a full disk, which the protocol has no word for: the free space is asked for.</summary>
    /// <param name="session">Where to ask.</param>
    /// <param name="reply">The answer.</param>
    /// <param name="key">The object concerned.</param>
    /// <param name="what">What failed.</param>
    /// <param name="path">The file or directory it failed on.</param>
    /// <param name="directory">A directory that exists on the same file system.</param>
    /// <param name="needed">Bytes that were still to be written.</param>
    public async Task<StorageException> FromWriteAsync(
        SftpSession session, SftpReply reply, string key, string what, string path, string directory, long needed)
    {
        if (reply.Status != SftpStatus.Failure || !features.StatVfs)
        {
            return From(reply, key, what, path);
        }

        var answer = await session.StatVfsAsync(directory);
        if (!SftpFileSystem.TryParse(answer, out var space))
        {
            return From(reply, key, what, path);
        }

        var free = $"{space.FreeBytes} of {space.TotalBytes} bytes free";
        if (space.FreeBytes < needed + NearlyNothing || space.HasNoFreeFiles)
        {
            return Error(
                key,
                $"{what} {path} on {options.Host}: {reply.Words}; the disk is full ({free}"
                + (space.HasNoFreeFiles ? ", no file can be added)" : ")"),
                transient: false,
                "free or add space, or let expire remove backups; nothing of this object is visible, and what was acknowledged before is untouched");
        }

        return Error(
            key, $"{what} {path} on {options.Host}: {reply.Words}, with {free}", transient: false,
            "the server does not say more: look for a quota, a limit on file sizes or a disk error there");
    }

    public StorageException From(SftpConnectionException failure, string? key) =>
        new(repository, key, failure.Message, failure.IsTransient, failure.Hint, failure);

    public StorageException Error(string? key, string message, bool transient, string? hint = null) => new(repository, key, message, transient, hint);

    public StorageException RootMissing(string root) => Error(
        key: null, $"the repository directory {root} does not exist on {options.Host}", transient: false,
        "mount the file system it is on, correct the repository's url, or create the repository");

    public StorageException RootVanished(string root) => Error(
        key: null, $"the repository directory {root} on {options.Host}, seen before, is gone or empty: its file system looks unmounted",
        transient: false, "mount it again on the server; nothing is written to the directory that took its place");

    public StorageException PrefixInTheWay(string key, string path) => Error(
        key, $"{path} is a directory on the server, so other objects have this key as their prefix", transient: false);

    public StorageException ObjectInTheWay(string key, string path) => Error(
        key, $"{path} is a file on the server, so an object has the key that is needed as a prefix", transient: false);

    /// <exception cref="StorageException">It is a link, a socket or the like.</exception>
    public void RequireRegularFile(string key, string path, SftpAttributes attributes)
    {
        if (attributes.IsSymbolicLink)
        {
            throw Error(
                key, $"{path} is a symbolic link, and links inside a repository are not followed", transient: false,
                "put the file itself there; the repository's root may be a link");
        }

        if (!attributes.IsRegularFile)
        {
            throw Error(
                key, $"{path} is not a regular file", transient: false, "nothing but pitr's objects belongs into a repository; move it away");
        }
    }

    string Somebody => options.User is { } user ? $"the user \"{user}\"" : "the user of the connection";
}
