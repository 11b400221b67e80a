using Pitr.Format.Wal;
using Pitr.Operations.Services;
using Pitr.Postgres.Cluster;
using Serilog.Events;

namespace Pitr.Operations.Archive.Prefetch;

/// <summary>
/// <see cref="ArchiveGet"/> for a process that stays: while PostgreSQL replays one segment the following ones are fetched, and handed over
/// when they are asked for. The answers are the same; only found ones come faster.
/// </summary>
public sealed class PrefetchingGet : IAsyncDisposable
{
    const string SegmentFile = "RECOVERYXLOG";
    const string HistoryFile = "RECOVERYHISTORY";

    // What a recovery may take for one segment before what was fetched ahead is given up. Fetching it again costs little.
    static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(2);
    static readonly TimeSpan Look = TimeSpan.FromSeconds(2);

    readonly PostgresService _service;
    readonly ArchiveGet _get;
    readonly SemaphoreSlim _opening = new(1, 1);
    readonly PrefetchBudget _budget;
    readonly Dictionary<string, RecoveryPrefetch> _recoveries = new(StringComparer.Ordinal);
    readonly List<Task> _ended = [];
    readonly CancellationTokenSource _stopping = new();
    PrefetchSpool? _spool;
    Task _tidying = Task.CompletedTask;
    bool _warned;

    /// <summary>Does nothing before the first recovery asks.</summary>
    /// <param name="service">Where the files come from.</param>
    /// <param name="budget">How much may be on its way at once; shared by all services of a process.</param>
    public PrefetchingGet(PostgresService service, PrefetchBudget budget)
    {
        _service = service;
        _budget = budget;
        _get = new ArchiveGet(service) { Memory = budget.Memory };
    }

    /// <summary>How many recoveries segments are fetched ahead for.</summary>
    public int Recoveries
    {
        get
        {
            lock (_recoveries)
            {
                return _recoveries.Count;
            }
        }
    }

    /// <summary>How many segments lie ready or are on their way.</summary>
    internal int Segments
    {
        get
        {
            lock (_recoveries)
            {
                return _recoveries.Values.Sum(r => r.Count);
            }
        }
    }

    /// <inheritdoc cref="ArchiveGet.GetAsync"/>
    public Task<ArchiveGetResult> GetAsync(WalFileName name, string destination, TimeSpan deadline, CancellationToken cancellation) =>
        _get.WithinAsync(name, deadline, token => GetAsync(name, destination, deadline, _service.Clock.GetTimestamp(), token), cancellation);

    /// <summary>Fetches ahead from a segment on that the server has got otherwise.</summary>
    /// <param name="found">That segment.</param>
    /// <param name="destination">Where it went.</param>
    /// <param name="cancellation">Ends the preparations.</param>
    public async Task BeginAsync(WalSegmentName found, string destination, CancellationToken cancellation) =>
        (await RecoveryAsync(destination, cancellation))?.LookAhead(found);

    async Task<ArchiveGetResult> GetAsync(WalFileName name, string destination, TimeSpan deadline, long started, CancellationToken cancellation)
    {
        var recovery = await RecoveryAsync(destination, cancellation);
        if (recovery is not null && name.Kind == WalFileKind.Segment && await recovery.TryPlaceAsync(name, destination, cancellation))
        {
            recovery.LookAhead(name.Segment!.Value);
            return ArchiveGetResult.Found;
        }

        var left = deadline > TimeSpan.Zero ? deadline - _service.Clock.GetElapsedTime(started) : TimeSpan.Zero;
        var answer = await _get.AskUntilAsync(name, destination, left, cancellation);
        if (recovery is not null && answer == ArchiveGetResult.Found)
        {
            if (name.Kind == WalFileKind.Segment)
            {
                recovery.LookAhead(name.Segment!.Value);
            }
            else if (name.Kind == WalFileKind.History)
            {
                Learn(recovery, name.Timeline, destination);
            }
        }

        return answer;
    }

    // Null for everybody but a server that recovers: a person who fetches one file wants that file.
    async Task<RecoveryPrefetch?> RecoveryAsync(string destination, CancellationToken cancellation)
    {
        if (_service.Settings.Wal.Prefetch == 0 || Path.GetFileName(destination) is not (SegmentFile or HistoryFile)
            || Path.GetDirectoryName(Path.GetDirectoryName(destination)) is not { } directory)
        {
            return null;
        }

        await _opening.WaitAsync(cancellation);
        try
        {
            if (_recoveries.TryGetValue(directory, out var known))
            {
                if (known.Server.IsStillRecovering())
                {
                    known.Touch();
                    return known;
                }

                End(directory);
            }

            return RecoveringServer.Find(directory) is { } server ? await OpenAsync(server, cancellation) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Slower, never wrong.
            _service.Log.Write(_warned ? LogEventLevel.Debug : LogEventLevel.Warning, "nothing is fetched ahead, because {Directory} cannot be used: {Reason}", _service.StateDirectory, e.Message);
            _warned = true;
            return null;
        }
        finally
        {
            _opening.Release();
        }
    }

    async Task<RecoveryPrefetch> OpenAsync(RecoveringServer server, CancellationToken cancellation)
    {
        RecoveryFile.Sweep(Path.Combine(server.DataDirectory, "pg_wal", SegmentFile), _service.Clock);
        RecoveryFile.Sweep(Path.Combine(server.DataDirectory, "pg_wal", HistoryFile), _service.Clock);
        _spool ??= await PrefetchSpool.CreateAsync(_service.StateDirectory, _service.Clock, cancellation);
        var recovery = new RecoveryPrefetch(_service, _get, server, _spool.ForRecovery(), _budget);
        if (NewestHistory(server.DataDirectory) is { } newest)
        {
            // One that came before this process: PostgreSQL keeps those it was given in pg_wal.
            Learn(recovery, newest, Path.Combine(server.DataDirectory, "pg_wal", $"{WalFileName.ForHistory(newest)}"));
        }

        lock (_recoveries)
        {
            _recoveries.Add(server.DataDirectory, recovery);
        }

        if (_tidying.IsCompleted)
        {
            _tidying = Task.Run(TidyAsync, CancellationToken.None);
        }

        return recovery;
    }

    static Timeline? NewestHistory(string dataDirectory) => Directory.EnumerateFiles(Path.Combine(dataDirectory, "pg_wal"), "*.history")
        .Select(path => WalFileName.TryParse(Path.GetFileName(path), out var name) && name.Kind == WalFileKind.History ? name.Timeline : (Timeline?)null)
        .Max();

    static void Learn(RecoveryPrefetch recovery, Timeline timeline, string path)
    {
        try
        {
            recovery.Learn(TimelineHistory.Parse(timeline, File.ReadAllText(path)));
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            // PostgreSQL has it and judges it; here it would only have told what to fetch.
        }
    }

    // As long as somebody recovers: gives up what was fetched for those who have ended or gone silent.
    async Task TidyAsync()
    {
        while (Recoveries > 0)
        {
            await Task.Delay(Look, _service.Clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            await _opening.WaitAsync(CancellationToken.None);
            try
            {
                foreach (var (directory, recovery) in _recoveries.ToArray())
                {
                    if (recovery.Idle > Forgotten || !recovery.Server.IsStillRecovering())
                    {
                        End(directory);
                    }
                }

                _ended.RemoveAll(e => e.IsCompleted);
                if (_recoveries.Count == 0)
                {
                    // Whoever recovers elsewhere takes new memory once.
                    _budget.Memory.Release();
                }
            }
            finally
            {
                _opening.Release();
            }
        }
    }

    // Nobody waits for it: a repository that hangs must not hold up the next recovery.
    void End(string directory)
    {
        lock (_recoveries)
        {
            if (_recoveries.Remove(directory, out var recovery))
            {
                _ended.Add(EndAsync(recovery));
            }
        }
    }

    async Task EndAsync(RecoveryPrefetch recovery)
    {
        try
        {
            await recovery.DisposeAsync();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _service.Log.Warning("segments that were fetched ahead could not be removed: {Reason}", e.Message);
        }
    }

    /// <summary>Stops, and removes everything that was fetched ahead.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _tidying;
        foreach (var directory in _recoveries.Keys.ToArray())
        {
            End(directory);
        }

        await Task.WhenAll(_ended);
        _spool?.Dispose();
        _opening.Dispose();
        _stopping.Dispose();
    }
}
