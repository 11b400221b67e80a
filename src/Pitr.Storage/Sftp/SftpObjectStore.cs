using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Pitr.Storage.Sftp;

/// <summary>
/// A repository in a directory of an SFTP server: one file per object, its path below the root being the key. The transport is OpenSSH's own
/// client, so the user's ssh_config, agent, jump hosts and known_hosts hold; SFTP version 3 is spoken over its pipes.
/// An object is written under a name that is no key, fsynced, given its name, and the directories fsynced. Create-if-absent is a hard link,
/// replacing a POSIX rename. What a server lacks of that is done as well as it can be and told by <see cref="Capabilities"/>.
/// The root is made by the first put, readable by its owner only; any other operation on a missing root is an error, because a missing mount is
/// not an empty repository.
/// </summary>
public sealed class SftpObjectStore : IObjectStore
{
    const int MaxAttempts = 64;
    static readonly TimeSpan CleanUpPatience = TimeSpan.FromSeconds(5);

    readonly SftpOptions _options;
    readonly TimeProvider _clock;
    readonly SftpServerFeatures _features = new();
    readonly SftpErrors _errors;
    readonly SftpTree _tree;
    readonly SftpObjectWriter _writer;
    readonly SftpSessionPool _pool;
    readonly Lazy<Task<string?>> _ciphers;

    /// <summary>A store on a server. Nothing is started before the first operation.</summary>
    /// <param name="name">The repository's name in the configuration, for messages.</param>
    /// <param name="options">Where it is and how it is reached.</param>
    /// <param name="timeProvider">The clock of timeouts; the system's when <see langword="null"/>.</param>
    /// <exception cref="ArgumentException">An option cannot be used; the message names it.</exception>
    public SftpObjectStore(string name, SftpOptions options, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(options));
        }

        _clock = timeProvider ?? TimeProvider.System;
        Name = name;
        _options = options;
        _errors = new SftpErrors(name, options, _features);
        _tree = new SftpTree(options, _errors, _features, _clock);
        _writer = new SftpObjectWriter(name, _tree, _errors, _features, _clock);
        _ciphers = new(() => SshCiphers.ChooseAsync(options, _clock));
        _pool = new SftpSessionPool(options.Connections, StartSessionAsync, _clock);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Location
    {
        get
        {
            var host = _options.Host.Contains(':', StringComparison.Ordinal) ? $"[{_options.Host.Trim('[', ']')}]" : _options.Host;
            var port = _options.Port is { } number ? $":{number}" : "";
            var path = string.Join('/', _options.Path.Split('/').Select(Uri.EscapeDataString));
            return $"sftp://{host}{port}{(path.StartsWith('/') ? path : "/~/" + path)}";
        }
    }

    /// <summary>
    /// What the server offered, which is nothing before the first session (<see cref="ConnectAsync"/>).
    /// <see cref="StoreCapabilities.DurableOnReturn"/> needs fsync@openssh.com for files and for directories,
    /// <see cref="StoreCapabilities.AtomicCreateIfAbsent"/> hardlink@openssh.com,
    /// <see cref="StoreCapabilities.AtomicReplace"/> posix-rename@openssh.com; what is missing is told by a remark.
    /// </summary>
    public StoreCapabilities Capabilities => _features.Capabilities;

    /// <summary>The ids of the ssh processes that were started, for tests that kill them.</summary>
    internal ConcurrentQueue<int> ProcessIds { get; } = new();

    string Where => _options.Port is { } port ? $"{_options.Host} port {port}" : _options.Host;

    /// <summary>Starts a session, so that <see cref="Capabilities"/> are known.</summary>
    /// <exception cref="StorageException">The server cannot be reached, or does not let us in.</exception>
    public Task ConnectAsync(CancellationToken cancellationToken) =>
        RunAsync(key: null, _ => Task.FromResult(true), cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, CancellationToken cancellationToken)
    {
        ObjectKey.ValidatePrefix(prefix, mode);
        return ListCoreAsync(prefix, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        return RunAsync(key, session => StatCoreAsync(session, key), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        return OpenReadCoreAsync(key, range, cancellationToken);
    }

    /// <inheritdoc/>
    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        ArgumentNullException.ThrowIfNull(content);
        return PutCoreAsync(key, content, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        return RunAsync(key, session => DeleteCoreAsync(session, key), cancellationToken);
    }

    /// <summary>Ends all sessions and their processes.</summary>
    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    async Task<SftpSession> StartSessionAsync()
    {
        var process = SshProcess.Start(_options, await _ciphers.Value, _clock);
        ProcessIds.Enqueue(process.Id);
        var session = await SftpSession.StartAsync(process, Where, _options, _clock);
        _features.Learn(session);
        return session;
    }

    async Task<SftpLease> AcquireAsync(string? key, CancellationToken cancellationToken)
    {
        try
        {
            return await _pool.AcquireAsync(cancellationToken);
        }
        catch (SftpConnectionException failure)
        {
            throw _errors.From(failure, key);
        }
    }

    // What runs on the server is not stopped by a cancellation, only no longer waited for; none of it but a put leaves anything unfinished.
    async Task<T> RunAsync<T>(string? key, Func<SftpSession, Task<T>> operation, CancellationToken cancellationToken)
    {
        using var lease = await AcquireAsync(key, cancellationToken);
        try
        {
            return await operation(lease.Session).WaitAsync(cancellationToken);
        }
        catch (SftpConnectionException failure)
        {
            throw _errors.From(failure, key);
        }
    }

    async Task<ObjectInfo?> StatCoreAsync(SftpSession session, string key)
    {
        var asking = _tree.AskForRootAsync(session);
        var examined = await session.LStatAsync(_tree.PathOf(key));
        var root = await asking;
        if (examined.Type == SftpPacketType.Attributes)
        {
            var attributes = examined.Attributes;
            if (attributes.IsDirectory)
            {
                return null;
            }

            _errors.RequireRegularFile(key, _tree.PathOf(key), attributes);
            _tree.HoldsObjects();
            return attributes is { Size: { } size, Modified: { } modified }
                ? new ObjectInfo(key, (long)size, modified)
                : throw _errors.Error(key, "the server does not tell its size and time", transient: false);
        }

        if (examined.Status != SftpStatus.NoSuchFile)
        {
            throw _errors.From(examined, key, "cannot examine", _tree.PathOf(key));
        }

        await _tree.RequireRootAsync(session, root);
        return null;
    }

    async Task<Stream> OpenReadCoreAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        var lease = await AcquireAsync(key, cancellationToken);
        try
        {
            var opening = OpenHandleAsync(lease.Session, key);
            var (handle, size) = await WaitOrCloseAsync(opening, cancellationToken);
            var part = range ?? new ByteRange(0, size);
            if (part.End > size)
            {
                _ = handle.CloseAsync();
                throw _errors.Error(key, $"is {size} bytes long, so it has no {part}", transient: false);
            }

            return new SftpReadStream(lease, handle, part, key, _tree.PathOf(key), _errors);
        }
        catch (SftpConnectionException failure)
        {
            lease.Dispose();
            throw _errors.From(failure, key);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    static async Task<(SftpFileHandle Handle, long Size)> WaitOrCloseAsync(
        Task<(SftpFileHandle Handle, long Size)> opening, CancellationToken cancellationToken)
    {
        try
        {
            return await opening.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            _ = opening.ContinueWith(
                static opened =>
                {
                    if (opened.IsCompletedSuccessfully)
                    {
                        _ = opened.GetAwaiter().GetResult().Handle.CloseAsync();
                    }
                    else
                    {
                        _ = opened.Exception;
                    }
                },
                CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            throw;
        }
    }

    async Task<(SftpFileHandle Handle, long Size)> OpenHandleAsync(SftpSession session, string key)
    {
        var path = _tree.PathOf(key);
        var asking = _tree.AskForRootAsync(session);
        var examining = session.LStatAsync(path);
        var opened = await session.OpenAsync(path, SftpOpenFlags.Read);
        if (opened.Type != SftpPacketType.Handle)
        {
            if (opened.Status == SftpStatus.NoSuchFile)
            {
                await _tree.RequireRootAsync(session, await asking);
                throw new ObjectNotFoundException(Name, key);
            }

            // Not every server opens a directory.
            throw await examining is { Attributes.IsDirectory: true }
                ? new ObjectNotFoundException(Name, key)
                : _errors.From(opened, key, "cannot open", path);
        }

        var handle = new SftpFileHandle(session, opened.Bytes);
        try
        {
            var examined = await examining;
            var size = await session.FStatAsync(handle.Bytes);
            if (examined.Attributes.IsDirectory || size.Attributes.IsDirectory)
            {
                throw new ObjectNotFoundException(Name, key);
            }

            if (examined.Type == SftpPacketType.Attributes)
            {
                _errors.RequireRegularFile(key, path, examined.Attributes);
            }

            if (size.Type != SftpPacketType.Attributes || size.Attributes.Size is not { } length)
            {
                throw _errors.From(size, key, "cannot examine", path);
            }

            _tree.HoldsObjects();
            return (handle, (long)length);
        }
        catch
        {
            _ = handle.CloseAsync();
            throw;
        }
    }

    async Task PutCoreAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        using var lease = await AcquireAsync(key, cancellationToken);
        var session = lease.Session;
        var directoryKey = SftpTree.Split(key).Directory;
        try
        {
            for (var attempt = 0; attempt < MaxAttempts; attempt++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (await _writer.TryPutAsync(session, key, content, mode, cancellationToken))
                {
                    _tree.HoldsObjects();
                    return;
                }

                // The answer is not important: an object in the way is an error, a directory that came or went is another attempt.
                await _tree.TryMakeDirectoryAsync(session, directoryKey, key).WaitAsync(cancellationToken);
            }

            throw _errors.Error(key, $"its directory vanished {MaxAttempts} times while the object was put", transient: true);
        }
        catch (SftpConnectionException failure)
        {
            throw _errors.From(failure, key);
        }
        catch (Exception failure) when (failure is not ObjectExistsException)
        {
            // The directories made for it may be all that is left of it.
            await RemoveEmptyDirectoriesAfterFailureAsync(session, directoryKey);
            throw;
        }
    }

    async Task RemoveEmptyDirectoriesAfterFailureAsync(SftpSession session, string directoryKey)
    {
        try
        {
            // When the server does not answer, it goes on by itself.
            await _tree.RemoveEmptyDirectoriesAsync(session, directoryKey).WaitAsync(CleanUpPatience, _clock);
        }
        catch (Exception failure) when (failure is StorageException or SftpConnectionException or TimeoutException)
        {
            // An empty directory is no object. The failure that led here is the one to report.
        }
    }

    async Task<bool> DeleteCoreAsync(SftpSession session, string key)
    {
        var path = _tree.PathOf(key);
        var directoryKey = SftpTree.Split(key).Directory;
        var asking = _tree.AskForRootAsync(session);
        var examined = await session.LStatAsync(path);
        if (examined.Type == SftpPacketType.Attributes)
        {
            if (examined.Attributes.IsDirectory)
            {
                return true;
            }

            _errors.RequireRegularFile(key, path, examined.Attributes);
            if (await session.RemoveAsync(path) is { IsOk: false, Status: not SftpStatus.NoSuchFile } refused)
            {
                throw _errors.From(refused, key, "cannot remove", path);
            }
        }
        else if (examined.Status != SftpStatus.NoSuchFile)
        {
            throw _errors.From(examined, key, "cannot examine", path);
        }
        else
        {
            await _tree.RequireRootAsync(session, await asking);
        }

        // Also when it was gone already: the one who removed it may not have come to this point.
        await _tree.SyncAsync(session, directoryKey, key);
        await _tree.RemoveEmptyDirectoriesAsync(session, directoryKey);
        return true;
    }

    async IAsyncEnumerable<ObjectListing> ListCoreAsync(
        string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var key = prefix.Length == 0 ? null : prefix;
        using var lease = await AcquireAsync(key, cancellationToken);
        await using var walk = new SftpListing(_tree, _errors, lease.Session, mode).WalkAsync(prefix, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!await walk.MoveNextAsync())
                {
                    yield break;
                }
            }
            catch (SftpConnectionException failure)
            {
                throw _errors.From(failure, key);
            }

            yield return walk.Current;
        }
    }
}
