using System.Collections.Concurrent;

namespace Pitr.Storage.Sftp;

/// <summary>The directories of a repository on the server.</summary>
sealed class SftpTree(SftpOptions options, SftpErrors errors, SftpServerFeatures features, TimeProvider timeProvider)
{
    /// <summary>Unfinished objects older than this belong to nobody any more.</summary>
    public static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(24);

    const uint DirectoryMode = 0x1C0; // 0700
    const int MaxRemembered = 8192;
    const int ReadAhead = 4;

    readonly string _root = options.Path.Length > 1 ? options.Path.TrimEnd('/') is { Length: > 0 } path ? path : "/" : options.Path;
    readonly ConcurrentDictionary<string, DateTimeOffset> _lookedForLeftovers = new(StringComparer.Ordinal);
    readonly SftpDirectorySync _sync = new(errors, features);
    readonly Lock _lock = new();
    ulong? _fileSystem;
    volatile bool _holdsObjects;
    volatile bool _rootIsDurable;

    /// <summary>The directory and the file name of a key.</summary>
    public static (string Directory, string Name) Split(string key)
    {
        var slash = key.LastIndexOf('/');
        return slash < 0 ? ("", key) : (key[..slash], key[(slash + 1)..]);
    }

    /// <summary>The path of a key or directory on the server.</summary>
    public string PathOf(string key) => key.Length == 0 ? _root : _root == "/" ? $"/{key}" : $"{_root}/{key}";

    /// <summary>An object was seen or put here.</summary>
    public void HoldsObjects() => _holdsObjects = true;

    /// <summary>Asks for what <see cref="RequireRootAsync"/> judges.</summary>
    public Task<SftpReply> AskForRootAsync(SftpSession session) =>
        features.StatVfs ? session.StatVfsAsync(_root) : session.StatAsync(_root);

    /// <summary>"Absent" is an answer only where there is a repository: its directory must be there, and not an empty mount point.</summary>
    /// <exception cref="StorageException">It is missing, was replaced by an empty directory, or cannot be examined.</exception>
    public async Task RequireRootAsync(SftpSession session, SftpReply reply)
    {
        if (!await FindRootAsync(session, reply))
        {
            throw _holdsObjects ? errors.RootVanished(_root) : errors.RootMissing(_root);
        }
    }

    /// <summary>
    /// Makes the directory for a put, and its parents, where they are missing. <see langword="false"/> when somebody removed an empty one at
    /// that moment: try again.
    /// </summary>
    public async Task<bool> TryMakeDirectoryAsync(SftpSession session, string directoryKey, string key)
    {
        if (!await FindRootAsync(session, await AskForRootAsync(session)))
        {
            if (_holdsObjects)
            {
                throw errors.RootVanished(_root);
            }

            _rootIsDurable = false;
            if (!await TryMakeAsync(session, Ancestors(_root), key))
            {
                return false;
            }
        }

        return await TryMakeAsync(session, [.. KeysDownTo(directoryKey).Select(PathOf)], key);
    }

    /// <summary>Makes the names on the way from the root's own to a directory's durable, but not those in the directory.</summary>
    public async Task SyncParentsAsync(SftpSession session, string directoryKey, string key)
    {
        string[] above = directoryKey.Length == 0 ? [] : [_root, .. KeysDownTo(Split(directoryKey).Directory).Select(PathOf)];
        if (!_rootIsDurable)
        {
            // Whoever made it may not have come to this. What lies above it need not be readable for us.
            var parent = Split(_root.TrimStart('/')).Directory;
            await SyncRootsParentsAsync(session, parent, key);
            _rootIsDurable = true;
        }

        await _sync.SyncAsync(session, above, key);
    }

    /// <summary>Makes the names in a directory durable.</summary>
    public Task SyncAsync(SftpSession session, string directoryKey, string? key) => _sync.SyncAsync(session, [PathOf(directoryKey)], key);

    /// <summary>Removes the directory and its parents up to the root as far as they are empty.</summary>
    public async Task RemoveEmptyDirectoriesAsync(SftpSession session, string directoryKey)
    {
        // One request each, sent together: the first that fails leaves those above it with something inside.
        var keys = KeysDownTo(directoryKey).Reverse().ToArray();
        var removing = keys.Select(key => session.RemoveDirectoryAsync(PathOf(key))).ToArray();
        var survivor = "";
        foreach (var (key, removal) in keys.Zip(removing))
        {
            // Not empty, not ours, a mount point: all of them fine, an empty directory is no object.
            if (!(await removal).IsOk)
            {
                survivor = key;
                break;
            }
        }

        await Task.WhenAll(removing);
        if (survivor != directoryKey)
        {
            await SyncAsync(session, survivor, key: null);
        }
    }

    /// <summary>
    /// Removes what killed puts left in a directory, on the first put into it and once a day after that. Age is told by the server's clock,
    /// that is by the file just begun.
    /// </summary>
    public async Task RemoveLeftoversAsync(SftpSession session, string directoryKey, string temporaryName)
    {
        var now = timeProvider.GetUtcNow();
        if (_lookedForLeftovers.TryGetValue(directoryKey, out var looked) && now - looked < LeftoverAge)
        {
            return;
        }

        if (_lookedForLeftovers.Count >= MaxRemembered)
        {
            _lookedForLeftovers.Clear();
        }

        _lookedForLeftovers[directoryKey] = now;
        var (entries, refusal) = await TryReadAsync(session, directoryKey);
        if (entries is null)
        {
            features.Note($"Unfinished objects in {PathOf(directoryKey)} cannot be looked for: {refusal!.Words}.");
            return;
        }

        if (entries.Find(entry => entry.Name == temporaryName).Attributes.Modified is not { } serverNow)
        {
            return;
        }

        foreach (var entry in entries)
        {
            if (entry.Name is { } name && name.StartsWith(ObjectKey.ReservedPrefix, StringComparison.Ordinal)
                && entry.Attributes.IsRegularFile && serverNow - entry.Attributes.Modified > LeftoverAge
                && await session.RemoveAsync($"{PathOf(directoryKey)}/{name}") is { IsOk: false, Status: not SftpStatus.NoSuchFile } refused)
            {
                features.Note($"The unfinished object {PathOf(directoryKey)}/{name} cannot be removed: {refused.Words}.");
            }
        }
    }

    /// <summary>The entries of a directory that can belong to keys, in the order of keys; <see langword="null"/> when it is proven absent.</summary>
    public async Task<List<SftpName>?> ReadEntriesAsync(SftpSession session, string directoryKey)
    {
        var (entries, refusal) = await TryReadAsync(session, directoryKey);
        if (entries is null)
        {
            return refusal!.Status == SftpStatus.NoSuchFile || await IsNoDirectoryAsync(session, directoryKey)
                ? null
                : throw errors.From(refusal, directoryKey.Length == 0 ? null : directoryKey + "/", "cannot list the directory", PathOf(directoryKey));
        }

        entries.RemoveAll(entry => entry.Name is not { } name || !ObjectKey.IsValid(name)
            || (directoryKey.Length == 0 && name == ObjectKey.FileSystemDirectory));
        await CompleteAsync(session, directoryKey, entries);
        entries.Sort((left, right) => ObjectKey.Compare(left.SortName, right.SortName));
        return entries;
    }

    /// <summary>"a", "a/b", "a/b/c".</summary>
    static IEnumerable<string> KeysDownTo(string directoryKey)
    {
        for (var slash = directoryKey.IndexOf('/'); slash >= 0; slash = directoryKey.IndexOf('/', slash + 1))
        {
            yield return directoryKey[..slash];
        }

        if (directoryKey.Length > 0)
        {
            yield return directoryKey;
        }
    }

    static string[] Ancestors(string path)
    {
        var lead = path.StartsWith('/') ? "/" : "";
        return [.. KeysDownTo(path.Trim('/')).Select(key => lead + key)];
    }

    async Task<bool> FindRootAsync(SftpSession session, SftpReply reply)
    {
        if (reply.Status == SftpStatus.NoSuchFile)
        {
            return false;
        }

        if (!SftpFileSystem.TryParse(reply, out var fileSystem))
        {
            if (reply.Type != SftpPacketType.Attributes)
            {
                // A server may announce statvfs and still not answer it.
                reply = await session.StatAsync(_root);
                features.StatVfs = false;
            }

            return reply.IsOk || (reply.Status == SftpStatus.NoSuchFile
                ? false
                : throw errors.From(reply, key: null, "cannot examine the repository directory", _root));
        }

        ulong? known;
        lock (_lock)
        {
            known = _fileSystem;
            _fileSystem ??= fileSystem.Id;
        }

        if (known is { } before && before != fileSystem.Id)
        {
            // An unmounted disk leaves its empty mount point behind, which looks like a new repository. It must not be filled.
            if (_holdsObjects && await ReadEntriesAsync(session, "") is null or { Count: 0 })
            {
                throw errors.RootVanished(_root);
            }

            lock (_lock)
            {
                _fileSystem = fileSystem.Id;
            }

            _rootIsDurable = false;
        }

        return true;
    }

    async Task SyncRootsParentsAsync(SftpSession session, string parent, string key)
    {
        if (!features.DirectorySync || _root is "/" or ".")
        {
            return;
        }

        var path = _root.StartsWith('/') ? "/" + parent : parent.Length == 0 ? "." : parent;
        if (await session.OpenAsync(path, SftpOpenFlags.Read) is { Type: SftpPacketType.Handle } opened)
        {
            await session.CloseAsync(opened.Bytes);
            await _sync.SyncAsync(session, [path], key);
        }
    }

    async Task<bool> TryMakeAsync(SftpSession session, string[] paths, string key)
    {
        var making = paths.Select(path => session.MakeDirectoryAsync(path, DirectoryMode)).ToArray();
        await Task.WhenAll(making);
        for (var i = 0; i < paths.Length; i++)
        {
            var made = await making[i];
            if (made.IsOk)
            {
                continue;
            }

            // Most were there before, which the protocol has no word for.
            var there = await session.StatAsync(paths[i]);
            if (there.Type == SftpPacketType.Attributes)
            {
                if (!there.Attributes.IsDirectory)
                {
                    throw errors.ObjectInTheWay(key, paths[i]);
                }
            }
            else if (there.Status == SftpStatus.NoSuchFile && made.Status is not (SftpStatus.NoSuchFile or SftpStatus.Failure))
            {
                throw errors.From(made, key, "cannot create the directory", paths[i]);
            }
            else if (there.Status == SftpStatus.NoSuchFile)
            {
                // Removed by somebody, or not to be made: only trying alone tells.
                var again = await session.MakeDirectoryAsync(paths[i], DirectoryMode);
                return again.Status != SftpStatus.Failure || (await session.StatAsync(paths[i])).IsOk
                    ? false
                    : throw await errors.FromWriteAsync(session, again, key, "cannot create the directory", paths[i], _root, needed: 0);
            }
            else
            {
                throw errors.From(there, key, "cannot examine the directory", paths[i]);
            }
        }

        return true;
    }

    async Task<bool> IsNoDirectoryAsync(SftpSession session, string directoryKey) =>
        await session.StatAsync(PathOf(directoryKey)) is var there
        && (there.Status == SftpStatus.NoSuchFile || (there.Type == SftpPacketType.Attributes && !there.Attributes.IsDirectory));

    async Task<(List<SftpName>? Entries, SftpReply? Refusal)> TryReadAsync(SftpSession session, string directoryKey)
    {
        var opened = await session.OpenDirectoryAsync(PathOf(directoryKey));
        if (opened.Type != SftpPacketType.Handle)
        {
            return (null, opened);
        }

        var handle = new SftpFileHandle(session, opened.Bytes);
        var entries = new List<SftpName>();
        var reading = new Queue<Task<SftpReply>>();
        var refusal = default(SftpReply);
        var more = true;
        while (more || reading.Count > 0)
        {
            while (more && reading.Count < ReadAhead)
            {
                reading.Enqueue(session.ReadDirectoryAsync(handle.Bytes));
            }

            var reply = await reading.Dequeue();
            if (reply.Type == SftpPacketType.Name)
            {
                entries.AddRange(reply.Names);
            }
            else
            {
                more = false;
                refusal = reply.Status == SftpStatus.EndOfFile ? refusal : reply;
            }
        }

        await handle.CloseAsync();
        return refusal is null ? (entries, null) : (null, refusal);
    }

    // OpenSSH's server tells everything with the names; others may not.
    async Task CompleteAsync(SftpSession session, string directoryKey, List<SftpName> entries)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Attributes.IsComplete)
            {
                continue;
            }

            var key = directoryKey.Length == 0 ? entries[i].Name! : $"{directoryKey}/{entries[i].Name}";
            var reply = await session.LStatAsync(PathOf(key));
            entries[i] = reply.Type == SftpPacketType.Attributes ? entries[i] with { Attributes = reply.Attributes }
                : reply.Status == SftpStatus.NoSuchFile ? default
                : throw errors.From(reply, key, "cannot examine", PathOf(key));
        }

        entries.RemoveAll(entry => entry.Name is null);
    }
}
