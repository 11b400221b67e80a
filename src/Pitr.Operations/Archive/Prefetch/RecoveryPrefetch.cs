using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Cluster;
using Pitr.Storage;
using Serilog.Events;

namespace Pitr.Operations.Archive.Prefetch;

/// <summary>
/// Fetches segments ahead for one recovering server. What it has is used only for the very name PostgreSQL asks for, only for this run of
/// this cluster, and only if it is the object that is stored; everything else, "there is none" above all, PostgreSQL hears from the repositories themselves.
/// </summary>
sealed class RecoveryPrefetch : IAsyncDisposable
{
    // An object can only be another one if somebody emptied the repository meanwhile; younger than this, it is what a question now would give.
    static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);

    // How long that question may take. A repository that does not answer has not said that the segment is another one.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // A disk writes that much within a millisecond or a few.
    const int WrittenAtOnce = 1 << 20;

    readonly PostgresService _service;
    readonly ArchiveGet _get;
    readonly PrefetchBudget _budget;
    readonly string _directory;
    readonly int _most;
    readonly UnixFileMode _mode;
    readonly CancellationTokenSource _stopping = new();
    readonly Lock _lock = new();
    readonly SortedDictionary<ulong, Ahead> _ahead = [];
    readonly List<Task> _passed = [];
    TimelineHistory? _history;
    long _asked;
    bool _warned;

    // How far ahead: twice as far after each segment that was there when it was asked for, one after each that was not. So a standby at
    // the end of the archive costs one question more for each segment that arrives, and a recovery is at full reach after a few.
    int _reach = 1;

    /// <summary>Begins with nothing.</summary>
    /// <param name="service">Where the segments come from.</param>
    /// <param name="get">Reads and authenticates them.</param>
    /// <param name="server">Who asks.</param>
    /// <param name="directory">A directory of its own.</param>
    /// <param name="budget">How much may be fetched at once, with what other recoveries fetch.</param>
    public RecoveryPrefetch(PostgresService service, ArchiveGet get, RecoveringServer server, string directory, PrefetchBudget budget)
    {
        (_service, _get, Server, _directory, _budget) = (service, get, server, directory, budget);
        _most = (int)Math.Min(service.Settings.Wal.Prefetch, service.Settings.Wal.PrefetchSize / server.SegmentSize.Bytes);
        _mode = RecoveryFile.ModeFor(Path.Combine(server.DataDirectory, "pg_wal", "RECOVERYXLOG"));
        _asked = service.Clock.GetTimestamp();
    }

    /// <summary>The server it is for.</summary>
    public RecoveringServer Server { get; }

    /// <summary>Since when nobody has asked.</summary>
    public TimeSpan Idle => _service.Clock.GetElapsedTime(Volatile.Read(ref _asked));

    /// <summary>How many segments lie ready or are on their way.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _ahead.Count + _passed.Count(p => !p.IsCompleted);
            }
        }
    }

    /// <summary>Somebody asks.</summary>
    public void Touch() => Volatile.Write(ref _asked, _service.Clock.GetTimestamp());

    /// <summary>PostgreSQL was given this history: its newest one says which timelines recovery takes.</summary>
    public void Learn(TimelineHistory history)
    {
        lock (_lock)
        {
            if (_history is null || history.Timeline > _history.Timeline)
            {
                _history = history;
                Drop(_ => true);
            }
        }
    }

    /// <summary>Puts a segment in place if it was fetched ahead, or is being fetched; false when the repositories have to be asked.</summary>
    /// <exception cref="RefusedInputException">It cannot be put there.</exception>
    public async Task<bool> TryPlaceAsync(WalFileName name, string destination, CancellationToken cancellation)
    {
        Ahead? ahead;
        var number = name.Segment!.Value.Number(Server.SegmentSize);
        lock (_lock)
        {
            // What comes before was passed, and would fill the window.
            Drop(n => n < number || n > number + (ulong)_most);
            if (_ahead.TryGetValue(number, out ahead) && !ahead.HasBegun)
            {
                // It waits for others, who may wait for a repository that hangs: they are none of this server's business.
                Drop(n => n == number);
                ahead = null;
            }
        }

        if (ahead is null || await ahead.Fetching.WaitAsync(cancellation) is not { } segment || segment.Name != name)
        {
            return false;
        }

        lock (_lock)
        {
            // Taken out first: one segment is given once, whoever asks again gets it from the repositories.
            if (!_ahead.TryGetValue(number, out var still) || still != ahead)
            {
                return false;
            }

            _ahead.Remove(number);
            ahead.Dispose();
        }

        try
        {
            if (!await IsStillStoredAsync(segment, cancellation))
            {
                File.Delete(segment.Path);
                return false;
            }

            // Whoever asked may be gone: nothing may appear under a name that the next request uses.
            cancellation.ThrowIfCancellationRequested();
            RecoveryFile.Place(segment.Path, destination, _budget.Memory);
            lock (_lock)
            {
                _reach = Math.Min(_reach * 2, Math.Max(_most, 1));
            }

            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch
        {
            File.Delete(segment.Path);
            throw;
        }
    }

    /// <summary>A segment was found: fetches what comes behind it.</summary>
    public void LookAhead(WalSegmentName found)
    {
        lock (_lock)
        {
            if (_stopping.IsCancellationRequested || !HasRoom())
            {
                return;
            }

            var number = found.Number(Server.SegmentSize);
            for (var next = number + 1; next <= number + (ulong)_reach && _ahead.Count < _most; next++)
            {
                if (!_ahead.ContainsKey(next))
                {
                    var ahead = new Ahead(CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token));
                    _ahead.Add(next, ahead);
                    ahead.Begin(FetchOrGiveUpAsync(next, found.Timeline, _history, ahead));
                }
            }
        }
    }

    // PostgreSQL's own files may be on this file system: they come first.
    bool HasRoom()
    {
        try
        {
            return _most > 0 && new DriveInfo(_directory).AvailableFreeSpace > _service.Settings.Wal.PrefetchSize * 2;
        }
        catch (IOException)
        {
            return false;
        }
    }

    async Task<PrefetchedSegment?> FetchOrGiveUpAsync(ulong number, Timeline current, TimelineHistory? history, Ahead ahead)
    {
        // Whoever looks ahead holds the lock, and goes on.
        await Task.Yield();
        var cancellation = ahead.Stop;
        try
        {
            using var share = await _budget.TakeAsync(Server.SegmentSize.Bytes, cancellation);
            ahead.HasBegun = true;
            if (await FetchAsync(number, current, history, cancellation) is { } segment)
            {
                return segment;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e) when (e is StorageException or OperationException or UnsupportedFormatException or DamagedObjectException or IOException or UnauthorizedAccessException)
        {
            // PostgreSQL will ask for it by itself, and is told then what is wrong.
            Tell(WalSegmentName.FromNumber(current, number, Server.SegmentSize), e);
        }

        lock (_lock)
        {
            // Here the archive ends, for now, or cannot be read: what lies behind waits until PostgreSQL has come past it.
            Drop(n => n >= number);
            _reach = 1;
        }

        return null;
    }

    async Task<PrefetchedSegment?> FetchAsync(ulong number, Timeline current, TimelineHistory? history, CancellationToken cancellation)
    {
        var path = new TimelinePath(history is { } known && known.Timeline >= current ? known.Timeline : current, history?.Timeline >= current ? history : null, Server.SegmentSize);
        foreach (var candidate in path.Candidates(number).Where(c => c.Timeline >= current))
        {
            var asked = _service.Clock.GetTimestamp();
            using var file = await _get.ReadStoredAsync(WalFileName.ForSegment(candidate), cancellation);
            if (file is not null)
            {
                return file.SystemIdentifier == Server.SystemIdentifier ? Write(file, asked) : null;
            }
        }

        return null;
    }

    PrefetchedSegment Write(ArchivedFile file, long asked)
    {
        var path = Path.Combine(_directory, $"{file.Name}-{Guid.NewGuid():N}");
        try
        {
            using var written = RecoveryFile.Create(path, file.Content.Length, _mode);
            // Piece by piece: recovery syncs pg_control many times in a segment, and would wait behind all that is on its way to the same disk.
            var content = file.Content.Span;
            for (var offset = 0; offset < content.Length; offset += WrittenAtOnce)
            {
                var piece = content.Slice(offset, Math.Min(WrittenAtOnce, content.Length - offset));
                RandomAccess.Write(written.SafeFileHandle, piece, offset);
                LibC.WriteOut(written.SafeFileHandle, offset, piece.Length);
            }

            // PostgreSQL does the same before it reads on (durable_rename() in KeepFileRestoredFromArchive()); by then there is nothing left to do.
            written.Flush(flushToDisk: true);
            return new PrefetchedSegment(file.Name, path, file.Fingerprint, asked);
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    async Task<bool> IsStillStoredAsync(PrefetchedSegment segment, CancellationToken cancellation)
    {
        if (_service.Clock.GetElapsedTime(segment.Asked) < Fresh)
        {
            return true;
        }

        using var patience = new CancellationTokenSource(Patience, _service.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            var key = RepositoryLayout.Wal(_service.Name, segment.Name);
            var asked = await _service.Repositories.AskFirstAsync((store, token) => ReadHeaderAsync(store, key, token), linked.Token);
            return asked.IsAnswered ? asked.Answer.Fingerprint.AsSpan().SequenceEqual(segment.Fingerprint) : !asked.IsProvenAbsent;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return true;
        }
    }

    // A range, so that no repository sends the whole segment.
    static async Task<SealedObjectHeader> ReadHeaderAsync(IObjectStore store, string key, CancellationToken cancellation)
    {
        await using var stream = await store.OpenReadAsync(key, new ByteRange(0, SealedObjectHeader.Size), cancellation);
        return await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
    }

    // Once aloud: PostgreSQL's own request for it says the same, if it still is so.
    void Tell(WalSegmentName name, Exception e)
    {
        _service.Log.Write(_warned ? LogEventLevel.Debug : LogEventLevel.Warning, "{Segment} could not be fetched ahead: {Reason}", name, e.Message);
        _warned = true;
    }

    // Under the lock.
    void Drop(Func<ulong, bool> which)
    {
        foreach (var number in _ahead.Keys.Where(which).ToArray())
        {
            _passed.RemoveAll(p => p.IsCompleted);
            _passed.Add(_ahead[number].DropAsync());
            _ahead.Remove(number);
        }
    }

    /// <summary>Stops and removes what was fetched.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task[] passed;
        lock (_lock)
        {
            Drop(_ => true);
            passed = [.. _passed];
        }

        await Task.WhenAll(passed);
        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }

        _stopping.Dispose();
    }

    /// <summary>A segment that is to be fetched, is being fetched, or was.</summary>
    sealed class Ahead(CancellationTokenSource stop) : IDisposable
    {
        volatile bool _hasBegun;

        /// <summary>Null when there was none to be had; never fails.</summary>
        public Task<PrefetchedSegment?> Fetching { get; private set; } = Task.FromResult<PrefetchedSegment?>(null);

        /// <summary>Ends the fetching.</summary>
        public CancellationToken Stop { get; } = stop.Token;

        /// <summary>A repository is asked, or was.</summary>
        public bool HasBegun
        {
            get => _hasBegun;
            set => _hasBegun = value;
        }

        public void Begin(Task<PrefetchedSegment?> fetching) => Fetching = fetching;

        /// <summary>Stops fetching it and removes its file.</summary>
        public async Task DropAsync()
        {
            await stop.CancelAsync();
            if (await Fetching is { } segment)
            {
                File.Delete(segment.Path);
            }

            Dispose();
        }

        public void Dispose() => stop.Dispose();
    }
}
