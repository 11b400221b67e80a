using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipes;
using System.Security.Cryptography;

namespace Pitr.Storage.Ftp;

/// <summary>
/// Puts objects: STOR under a name that is no key, the size asked back, and only then, by another run, RNFR and RNTO. That the rename is another
/// run is what keeps a truncated object invisible: when this process dies, curl takes the end of its input for the end of the content.
/// </summary>
sealed class FtpUpload(FtpClient client, FtpTree tree)
{
    const string What = "cannot store it";
    const int MaxAttempts = 8;
    const int MaxKnownDirectories = 10_000;

    // LIST tells no zone, so a file may look up to 14 hours older than it is.
    static readonly TimeSpan StaleAfter = TimeSpan.FromHours(24);
    static readonly TimeSpan StaleAfterByList = TimeSpan.FromHours(48);
    static readonly TimeSpan CleanUpLimit = TimeSpan.FromSeconds(10);

    // Directories that this store has put something into: they are there, and leftovers were looked for.
    readonly ConcurrentDictionary<string, bool> _known = new();

    FtpErrors Errors => client.Errors;

    /// <summary>Stores an object.</summary>
    public async Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        var features = await client.FeaturesAsync(key, cancellationToken);
        var attempt = new Attempt(key, FtpTree.Split(key).Directory, features);
        try
        {
            for (var i = 0; ; i++)
            {
                attempt.Begin(makeDirectories: i > 0 || !_known.ContainsKey(attempt.Directory));
                if (await TryUploadAsync(attempt, content, mode, attemptsBefore: i, cancellationToken))
                {
                    break;
                }
            }

            await RenameAsync(attempt, cancellationToken);
            Know(attempt.Directory);
        }
        catch
        {
            _known.TryRemove(attempt.Directory, out _);
            await CleanUpAsync(attempt);
            throw;
        }
    }

    /// <summary>Forgets a directory that was removed.</summary>
    public void Forget(string directory) => _known.TryRemove(directory, out _);

    /// <summary>Uploads, and checks what the server has; <see langword="false"/> when the directory was missing and another attempt may help.</summary>
    async Task<bool> TryUploadAsync(Attempt attempt, ObjectContent content, PutMode mode, int attemptsBefore, CancellationToken cancellationToken)
    {
        var features = attempt.Features;
        FtpRun run;
        await using (var pipe = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None))
        {
            List<string> after = ["*" + features.Examine(attempt.Temporary)];
            if (mode == PutMode.CreateNew)
            {
                after.Add("*" + features.Examine(attempt.Final));
            }

            List<CurlTransfer> transfers = [];
            if (attempt.MakeDirectories)
            {
                // The listing shows leftovers. It comes first: an upload receives no new TLS ticket, and many servers want the next data
                // connection to resume a session.
                transfers.Add(FtpTree.Listing(features, attempt.Directory) with { Before = [.. Directories(attempt).Select(path => $"*MKD {path}")] });
            }

            transfers.Add(new()
            {
                Path = attempt.Temporary,
                After = after,
                // Standard input carries the configuration, so the content comes through a pipe of this process that curl opens by name.
                Upload = $"/proc/{Environment.ProcessId}/fd/{pipe.ClientSafePipeHandle.DangerousGetHandle()}",
            });
            await using var session = await client.StartAsync(attempt.Key, transfers, cancellationToken);
            var finishing = session.FinishAsync(cancellationToken);
            await FeedAsync(session, finishing, pipe, attempt, content, cancellationToken);
            run = await finishing;
            attempt.Note(run.Transcript);
        }

        if (!run.Succeeded)
        {
            // curl may have gone on to PASV when the refusal arrives: it takes the data connection that the server gave up for a failed EPSV.
            var missing = run.Transcript.Refusal() is { Verb: "STOR" or "CWD" or "MLSD" or "LIST" or "EPSV" or "PASV", Code: 550 or 553 or 450 or 451 } refusal
                && LooksMissing(refusal.Answer, attemptsBefore);
            return missing ? false : throw await FailureAsync(attempt, run, cancellationToken);
        }

        RequireSize(attempt, run.Transcript, content.Length);
        if (mode == PutMode.CreateNew)
        {
            RequireAbsent(attempt, run.Transcript);
        }

        attempt.Stale = Stale(attempt, run.Listings.Count > 0 ? run.Listings[0] : []);
        return true;
    }

    /// <summary>Gives curl the content. Ends the input only when the content had exactly the announced length; kills curl otherwise.</summary>
    async Task FeedAsync(
        CurlSession session, Task finishing, AnonymousPipeServerStream pipe, Attempt attempt, ObjectContent content, CancellationToken cancellationToken)
    {
        // Once curl is gone nobody reads, and closing our copy of its end is what wakes a write that waits.
        var closing = CloseAfterAsync(session.Process.Exited, pipe);
        var buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        var succeeded = false;
        using var registration = cancellationToken.UnsafeRegister(static curl => ((CurlProcess)curl!).Kill(), session.Process);
        try
        {
            var store = $"STOR {attempt.Temporary}";
            await Task.WhenAny(session.Transcript.WhenAsync(transcript => transcript.Find(store) is { DataBegan: true }), session.Process.Exited);
            await PumpAsync(session, pipe, content, attempt.Key, buffer, cancellationToken);
            succeeded = true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            if (!succeeded)
            {
                // Before the pipe is closed, which would look like the end of the content.
                session.Process.Kill();
                await finishing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                attempt.Note(session.Transcript);
            }
        }

        await pipe.DisposeAsync();
        session.Process.Expect();
        await closing;
    }

    async Task PumpAsync(
        CurlSession session, AnonymousPipeServerStream pipe, ObjectContent content, string key, byte[] buffer, CancellationToken cancellationToken)
    {
        if (session.Process.Exited.IsCompleted)
        {
            return;
        }

        var total = 0L;
        var source = content.OpenRead();
        await using (source)
        {
            while (true)
            {
                session.Process.Idle();
                var read = await source.ReadAsync(buffer, cancellationToken);
                session.Process.Expect();
                if ((total += read) > content.Length || (read == 0 && total < content.Length))
                {
                    throw Errors.Error(
                        key, $"the content gave {(read == 0 ? $"{total}" : "more than")} of {content.Length} bytes announced: it changed while it was stored",
                        transient: false);
                }

                if (read == 0 || !await WriteAsync(session, pipe, content, buffer.AsMemory(0, read), cancellationToken))
                {
                    return;
                }
            }
        }
    }

    static async Task<bool> WriteAsync(
        CurlSession session, AnonymousPipeServerStream pipe, ObjectContent content, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            // In pieces no larger than the pipe, each of which is progress.
            for (int count; !bytes.IsEmpty; bytes = bytes[count..])
            {
                count = content.MaxSend(Math.Min(bytes.Length, 32 * 1024));
                session.Process.Idle();
                await content.BeforeSendingAsync(count, cancellationToken);
                session.Process.Expect();
                await pipe.WriteAsync(bytes[..count], CancellationToken.None);
                session.Process.Progressed();
            }

            return true;
        }
        catch (IOException)
        {
            // curl ended, and its exit code and the server's answer tell why.
            return false;
        }
    }

    static async Task CloseAfterAsync(Task exited, AnonymousPipeServerStream pipe)
    {
        await exited;
        pipe.DisposeLocalCopyOfClientHandle();
    }

    async Task RenameAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        List<string> commands = [$"RNFR {attempt.Temporary}", $"RNTO {attempt.Final}"];
        commands.AddRange(attempt.Stale.Select(path => $"*DELE {path}"));
        var run = await client.RunAsync(attempt.Key, [new CurlTransfer { CommandsOnly = true, Before = commands }], cancellationToken);
        attempt.Note(run.Transcript);
        if (run.Transcript.Find(commands[1]) is { Succeeded: true })
        {
            return;
        }

        throw run.Transcript.Refusal() is { Verb: "RNTO", Code: 550 or 553 }
            && await tree.FindAsync(attempt.Key, What, cancellationToken) is { Kind: FtpEntryKind.Directory }
            ? Errors.PrefixInTheWay(attempt.Key)
            : Errors.From(attempt.Key, What, run.ExitCode, run.Transcript, run.Stalled);
    }

    void RequireSize(Attempt attempt, FtpTranscript transcript, long wanted)
    {
        var answer = transcript.Find(attempt.Features.Examine(attempt.Temporary));
        if (answer is not { Succeeded: true })
        {
            throw answer is null
                ? Errors.Unreadable(attempt.Key, What, "no answer about the size")
                : Errors.Refused(attempt.Key, $"{What}: its size cannot be checked", answer);
        }

        var size = SizeOf(attempt.Key, answer, attempt.Features);
        if (size != wanted)
        {
            throw Errors.Error(
                attempt.Key, $"{What}: the server confirmed {wanted} bytes but has {size}", transient: true,
                "something between here and the server cuts connections, or its disk is full");
        }
    }

    // The server has just answered about another name in the same directory, so "550" is not about permissions there.
    void RequireAbsent(Attempt attempt, FtpTranscript transcript)
    {
        var answer = transcript.Find(attempt.Features.Examine(attempt.Final));
        if (answer is { Succeeded: true })
        {
            throw attempt.Features.MachineListings && tree.ParseExamined(attempt.Key, answer, What).Kind == FtpEntryKind.Directory
                ? Errors.PrefixInTheWay(attempt.Key)
                : new ObjectExistsException(Errors.Repository, attempt.Key);
        }

        if (answer is not { Code: 550 })
        {
            throw answer is null ? Errors.Unreadable(attempt.Key, What, "no answer about the key") : Errors.Refused(attempt.Key, What, answer);
        }
    }

    long SizeOf(string key, FtpExchange answer, FtpFeatures features) =>
        features.MachineListings
            ? tree.ParseExamined(key, answer, What).Size
            : long.TryParse(answer.Answer.AsSpan(3), out var size) ? size : throw Errors.Unreadable(key, What, answer.Answer);

    /// <summary>Why an upload failed for good: perhaps an object stands where a directory is needed.</summary>
    async Task<StorageException> FailureAsync(Attempt attempt, FtpRun run, CancellationToken cancellationToken)
    {
        var failure = Errors.From(attempt.Key, What, run.ExitCode, run.Transcript, run.Stalled);
        if (run.Transcript.Refusal() is { Verb: "STOR" or "CWD" or "EPSV" or "PASV", Code: >= 500 } && attempt.Directory.Length > 0)
        {
            try
            {
                var (found, entry) = await tree.FindDeepestAsync(attempt.Directory, What, cancellationToken);
                return entry is { Kind: FtpEntryKind.File } ? Errors.ObjectInTheWay(attempt.Key, found) : failure;
            }
            catch (StorageException)
            {
                // The upload's own error says more than a directory that cannot be listed either.
            }
        }

        return failure;
    }

    List<string> Stale(Attempt attempt, IReadOnlyList<FtpEntry> entries)
    {
        var limit = client.TimeProvider.GetUtcNow() - (attempt.Features.MachineListings ? StaleAfter : StaleAfterByList);
        return
        [
            .. entries
                .Where(entry => entry is { Kind: FtpEntryKind.File, IsTemporary: true } && entry.Modified > DateTimeOffset.UnixEpoch && entry.Modified < limit)
                .Select(entry => attempt.Features.PathOf(attempt.Directory).TrimEnd('/') + "/" + entry.Name)
                .Take(100),
        ];
    }

    /// <summary>Removes what a failed put may have left, as far as the server can be reached: nobody else knows the names.</summary>
    async Task CleanUpAsync(Attempt attempt)
    {
        if (!attempt.LoggedIn)
        {
            return;
        }

        List<string> commands = [.. attempt.Temporaries.Select(path => $"*DELE {path}")];
        // Only those that this put made, the deepest first; the server keeps one that is in use.
        commands.AddRange(attempt.Made.AsEnumerable().Reverse().Select(path => $"*RMD {path}"));
        using var limit = new CancellationTokenSource(CleanUpLimit, client.TimeProvider);
        try
        {
            await client.RunAsync(attempt.Key, [new CurlTransfer { CommandsOnly = true, Before = commands }], limit.Token);
        }
        catch (Exception failure) when (failure is StorageException or OperationCanceledException)
        {
            // A leftover is invisible, and a later put removes it. The failure that led here is the one to report.
        }
    }

    IEnumerable<string> Directories(Attempt attempt)
    {
        var path = attempt.Features.PathOf(attempt.Directory);
        // A repository's directory that was there and is gone is a missing mount, not to be made anew.
        var start = _known.IsEmpty ? 0 : attempt.Features.Root.Length;
        for (var slash = path.IndexOf('/', Math.Min(start + 1, path.Length)); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            yield return path[..slash];
        }

        if (path.Length > Math.Max(start, 1))
        {
            yield return path;
        }
    }

    void Know(string directory)
    {
        if (_known.Count >= MaxKnownDirectories)
        {
            _known.Clear();
        }

        _known[directory] = true;
    }

    // Decides only whether another attempt is worth while, never what is reported. Others may remove the directory, while it is empty, between
    // our making it and our using it. The last wording says nothing about the reason, so it gets one more attempt.
    static bool LooksMissing(string answer, int attemptsBefore) =>
        attemptsBefore + 1 < MaxAttempts
        && (answer.Contains("no such", StringComparison.OrdinalIgnoreCase) || answer.Contains("not found", StringComparison.OrdinalIgnoreCase)
            || answer.Contains("does not exist", StringComparison.OrdinalIgnoreCase)
            || (attemptsBefore < 2 && answer.Contains("could not create", StringComparison.OrdinalIgnoreCase)));

    /// <summary>One put under way.</summary>
    sealed class Attempt(string key, string directory, FtpFeatures features)
    {
        public string Key => key;

        public string Directory => directory;

        public FtpFeatures Features => features;

        public string Final { get; } = features.PathOf(key);

        /// <summary>Where the present attempt uploads to.</summary>
        public string Temporary => Temporaries[^1];

        public List<string> Temporaries { get; } = [];

        /// <summary>Whether the directories may have to be made.</summary>
        public bool MakeDirectories { get; private set; }

        /// <summary>The directories that the server says it made for this put.</summary>
        public List<string> Made { get; } = [];

        /// <summary>Whether the server let us in at all.</summary>
        public bool LoggedIn { get; private set; }

        /// <summary>Leftovers of others, to be removed.</summary>
        public IReadOnlyList<string> Stale { get; set; } = [];

        public void Begin(bool makeDirectories)
        {
            MakeDirectories = makeDirectories;
            Temporaries.Add($"{features.PathOf(directory).TrimEnd('/')}/{ObjectKey.ReservedPrefix}{RandomNumberGenerator.GetHexString(16, lowercase: true)}");
        }

        public void Note(FtpTranscript transcript)
        {
            LoggedIn |= transcript.Find("PWD") is { Succeeded: true };
            Made.AddRange(transcript.Made().Where(path => !Made.Contains(path)));
        }
    }
}
