namespace Pitr.Storage.Ftp;

/// <summary>
/// A repository in a directory of an FTP server, through the program curl: one file per object, its path below the directory being the key.
/// An object is uploaded under a name that is no key, its size asked back, and renamed. FTP has no create-if-absent and no fsync:
/// <see cref="PutMode.CreateNew"/> looks whether the key is free right before it renames, and a returned put may not survive a power cut.
/// A refusal that may mean "absent" as well as "forbidden" counts as absent only when a listing proves it.
/// The repository's directory is made by the first put; any other operation without it is an error.
/// </summary>
public sealed class FtpObjectStore : IObjectStore
{
    readonly FtpOptions _options;
    readonly FtpClient _client;
    readonly FtpTree _tree;
    readonly FtpUpload _upload;

    /// <summary>A store on a server, to which nothing is sent yet.</summary>
    /// <param name="name">The repository's name in the configuration, for messages.</param>
    /// <param name="options">Where it is and how to get there.</param>
    /// <param name="timeProvider">The clock for timeouts and for judging leftovers of killed puts (24 hours).</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public FtpObjectStore(string name, FtpOptions options, TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(timeProvider);
        if (options.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(options));
        }

        Name = name;
        _options = options;
        _client = new FtpClient(name, options, timeProvider);
        _tree = new FtpTree(_client);
        _upload = new FtpUpload(_client, _tree);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Location
    {
        get
        {
            // As in RFC 1738: a path with a second slash is absolute, with one it is below the login's directory. As curl has it, "ftps" is
            // TLS from the first byte; whether a connection of "ftp" becomes encrypted is told by the options.
            var scheme = _options.Tls == FtpTlsMode.Implicit ? "ftps" : "ftp";
            var host = _options.Host.Contains(':') && _options.Host[0] != '[' ? $"[{_options.Host}]" : _options.Host;
            return $"{scheme}://{host}:{_options.EffectivePort}/{string.Join('/', _options.Path.Split('/').Select(Uri.EscapeDataString))}";
        }
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; } = new(
        AtomicCreateIfAbsent: false,
        AtomicReplace: true,
        ReadAfterWrite: true,
        DurableOnReturn: false,
        "FTP cannot create a file only if it is absent, so of two writers that create one key at the same moment both may believe they did; "
            + "and it cannot ask the server to write to disk, so an object just stored may be lost in a power cut of the server");

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, CancellationToken cancellationToken)
    {
        ObjectKey.ValidatePrefix(prefix, mode);
        return _tree.WalkAsync(prefix, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        return _tree.StatAsync(key, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        return FtpContradictionException.AskAsync(() => OpenReadOnceAsync(key, range, cancellationToken));
    }

    async Task<Stream> OpenReadOnceAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        if (range is { Length: 0 } nothing)
        {
            var info = await _tree.StatAsync(key, cancellationToken) ?? throw new ObjectNotFoundException(Name, key);
            RequireWithin(key, nothing, info.Size);
            return new MemoryStream([], writable: false);
        }

        const string What = "cannot read it";
        var features = await _client.FeaturesAsync(key, cancellationToken);
        var path = features.PathOf(key);
        // SIZE counts bytes only in binary mode.
        string[] before = features.MachineListings ? ["*" + features.Examine(path)] : ["TYPE I", "*" + features.Examine(path)];
        var transfer = new CurlTransfer { Path = path, Range = range, Before = before };
        FtpExchange answer;
        var session = await _client.StartAsync(key, [transfer], cancellationToken);
        try
        {
            using (cancellationToken.UnsafeRegister(static curl => ((CurlProcess)curl!).Kill(), session.Process))
            {
                answer = await AnswerAsync(session, features.Examine(path), exchange => exchange.Code != 0, What, cancellationToken);
                if (answer.Succeeded)
                {
                    var size = SizeOf(key, answer, features, What);
                    RequireWithin(key, range ?? default, size);
                    await AnswerAsync(session, $"RETR {path}", exchange => exchange.DataBegan, What, cancellationToken);
                    session.Process.Idle();
                    return new FtpReadStream(session, range?.Length ?? size, whole: range is null);
                }
            }
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }

        await session.DisposeAsync();
        var refusal = _client.Errors.Refused(key, What, answer);
        throw answer.Code != 550 ? refusal
            : await _tree.FindAsync(key, What, cancellationToken) is { Kind: FtpEntryKind.File } ? new FtpContradictionException(refusal, key)
            : new ObjectNotFoundException(Name, key);
    }

    /// <inheritdoc/>
    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        ArgumentNullException.ThrowIfNull(content);
        return _upload.PutAsync(key, content, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        return FtpContradictionException.AskAsync(async () =>
        {
            await DeleteOnceAsync(key, cancellationToken);
            return true;
        });
    }

    async Task DeleteOnceAsync(string key, CancellationToken cancellationToken)
    {
        const string What = "cannot remove it";
        var features = await _client.FeaturesAsync(key, cancellationToken);
        var (directory, name) = FtpTree.Split(key);
        var delete = $"DELE {features.PathOf(key)}";
        var run = await _client.RunAsync(key, [FtpTree.Listing(features, directory) with { Before = ["*" + delete] }], cancellationToken);
        var answer = run.Transcript.Find(delete);
        if (answer is null || run.Listings.Count == 0)
        {
            if (answer is { Succeeded: true })
            {
                return;
            }

            // Not let into the directory: perhaps it is not there.
            if (run.Transcript.Refusal() is not { Code: 550 } refusal)
            {
                throw _client.Errors.From(key, What, run.ExitCode, run.Transcript, run.Stalled);
            }

            if (await _tree.FindAsync(key, What, cancellationToken) is { Kind: not FtpEntryKind.Directory })
            {
                throw new FtpContradictionException(_client.Errors.Refused(key, What, answer ?? refusal), key);
            }

            return;
        }

        var entries = run.Listings[0];
        if (!answer.Succeeded
            && entries.Any(entry => entry.Kind != FtpEntryKind.Directory && string.Equals(entry.Name, name, StringComparison.Ordinal)))
        {
            throw _client.Errors.Refused(key, What, answer);
        }

        if (entries.Count == 0)
        {
            await RemoveEmptyDirectoriesAsync(features, key, directory, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    void RequireWithin(string key, ByteRange range, long size)
    {
        if (range.End > size)
        {
            throw _client.Errors.Error(key, $"is {size} bytes long, so it has no {range}", transient: false);
        }
    }

    long SizeOf(string key, FtpExchange answer, FtpFeatures features, string what)
    {
        if (!features.MachineListings)
        {
            return long.TryParse(answer.Answer.AsSpan(3), out var size) ? size : throw _client.Errors.Unreadable(key, what, answer.Answer);
        }

        var entry = _tree.ParseExamined(key, answer, what);
        return entry.Kind switch
        {
            FtpEntryKind.File => entry.Size,
            FtpEntryKind.Directory => throw new ObjectNotFoundException(Name, key),
            _ => throw _client.Errors.NotAFile(key),
        };
    }

    /// <summary>Waits for the answer to a command, or for the reason why there is none.</summary>
    static async Task<FtpExchange> AnswerAsync(
        CurlSession session, string command, Predicate<FtpExchange> isThere, string what, CancellationToken cancellationToken)
    {
        bool Answered(FtpTranscript transcript) => transcript.Find(command) is { } exchange && isThere(exchange);
        await Task.WhenAny(session.Transcript.WhenAsync(Answered), session.Process.Exited);
        cancellationToken.ThrowIfCancellationRequested();
        return Answered(session.Transcript) ? session.Transcript.Find(command)! : throw await session.FailureAsync(what);
    }

    /// <summary>
    /// Removes a directory that was seen to be empty, and those above it that are empty then. The server refuses when somebody has put something
    /// into it in the meantime, and that is well.
    /// </summary>
    async Task RemoveEmptyDirectoriesAsync(FtpFeatures features, string key, string directory, CancellationToken cancellationToken)
    {
        while (directory.Length > 0)
        {
            _upload.Forget(directory);
            var parent = FtpTree.Split(directory).Directory;
            var remove = $"RMD {features.PathOf(directory)}";
            var run = await _client.RunAsync(key, [FtpTree.Listing(features, parent) with { Before = ["*" + remove] }], cancellationToken);
            if (run.Transcript.Find(remove) is not { Succeeded: true } || run.Listings is not [{ Count: 0 }])
            {
                return;
            }

            directory = parent;
        }
    }
}
