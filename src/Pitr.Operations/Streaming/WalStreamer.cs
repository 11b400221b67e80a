using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Replication;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>
/// Streams the WAL of one service into its repositories for as long as it runs: attaches to the replication slot, stores what comes, reports
/// what is durable, and begins again after whatever went wrong.
/// </summary>
public sealed class WalStreamer(PostgresService service)
{
    // PostgreSQL's errors for a segment that was removed, and a slot that the old walsender has not let go of yet.
    const string UndefinedFile = "58P01";
    const string ObjectInUse = "55006";

    static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);
    static readonly TimeSpan SameAgain = TimeSpan.FromMinutes(1);

    // What is received and not stored when the agent is told to stop is stored still, if the repositories take it in this time.
    static readonly TimeSpan ClosingTime = TimeSpan.FromSeconds(5);

    bool _hasStreamed;
    string? _lastProblem;
    long _lastProblemAt;

    /// <summary>Streams until it is cancelled. Every problem is logged, and tried again after a pause.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var pause = FirstPause;
        while (!cancellation.IsCancellationRequested)
        {
            _hasStreamed = false;
            try
            {
                await StreamAsync(cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is ServerException or OperationException or StorageException or Configuration.ConfigurationException
                or Format.DamagedObjectException or Format.UnsupportedFormatException or FormatException or IOException or UnauthorizedAccessException)
            {
                Report(e);
            }
            catch (Exception e)
            {
                // A fault of pitr's or a library's must not end the protection until somebody looks into the log.
                service.Log.Error(e, "streaming is interrupted by an error nobody expected, and tried again; please report it");
            }

            pause = _hasStreamed ? FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
            await Task.Delay(pause, service.Clock, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task StreamAsync(CancellationToken cancellation)
    {
        await using var server = await StreamServer.ConnectAsync(service, cancellation);
        var facts = server.Facts;
        await new ServiceRegistry(service).ClaimAsync(facts.SystemIdentifier, facts.MajorVersion, facts.WalSegmentSize.Bytes, cancellation);
        var slot = await StreamSlot.EnsureAsync(service, server, cancellation);
        await using var cleaner = new PieceCleaner(service);
        IReadOnlyList<StreamStart> starts;
        await using (var asking = await WalReceiver.OpenAsync(server.ConnectionString, slot.Name, cancellation))
        {
            starts = await new StreamPlanner(service).PlanAsync(asking, slot, facts.WalSegmentSize, cleaner, cancellation);
        }

        foreach (var start in starts)
        {
            if (!await StreamAsync(server, slot.Name, start, cleaner, cancellation))
            {
                return;
            }
        }
    }

    // False when the stream was left before its end, to begin anew.
    async Task<bool> StreamAsync(StreamServer server, string slot, StreamStart start, PieceCleaner cleaner, CancellationToken cancellation)
    {
        try
        {
            return await StreamTimelineAsync(server, slot, start, cleaner, cancellation);
        }
        catch (ServerException e) when (e.SqlState == UndefinedFile && !_hasStreamed)
        {
            if (start is { Surely: null, End: null })
            {
                throw;
            }

            service.Log.Error(
                "WAL from {From} of timeline {Timeline} on was not streamed, and the server has it no more; unless archive_command has archived it, it is a gap (`pitr wal list`), and a backup should be taken",
                start.Position, start.Timeline);
            return start.Surely is null || await StreamTimelineAsync(server, slot, start.FromSurely(), cleaner, cancellation);
        }
    }

    async Task<bool> StreamTimelineAsync(StreamServer server, string slot, StreamStart start, PieceCleaner cleaner, CancellationToken cancellation)
    {
        await using var receiver = await WalReceiver.OpenAsync(server.ConnectionString, slot, cancellation);
        using var wal = new ReceivedWal(start.Timeline, start.Position, start.SegmentSize);
        using var stopReceiving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var stopWatching = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var stopStoring = new CancellationTokenSource();
        var stored = 0UL;
        var watch = new SlotWatch(service, server.Session, () => wal.End, () => wal.IsBehind, () => new Lsn(Volatile.Read(ref stored)));
        var shipper = new Shipper(
            service, wal, start, new PieceStore(service, server.Facts.SystemIdentifier), cleaner, () => watch.IsSynchronous, ReportAsync);
        service.Log.Information("streaming WAL of timeline {Timeline} from {Position}, slot {Slot}, {Server}", start.Timeline, start.Position + (ulong)start.Held, slot, server);
        var receiving = ReceiveAsync(receiver, slot, start, wal, stopReceiving.Token);
        var watching = watch.RunAsync(stopWatching.Token);
        var shipping = shipper.RunAsync(stopStoring.Token);
        var first = await Task.WhenAny(receiving, watching, shipping, watch.HeldUp);

        // What was received is stored, whatever ended the stream; when that itself failed there is nothing to wait for.
        await stopReceiving.CancelAsync();
        await ((Task)receiving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var isLeft = first == watch.HeldUp || receiving.Exception?.GetBaseException() is RepositoryUnavailableException;
        if (isLeft)
        {
            // The walsender ends with its connection. Storing may take as long as the repositories are away, and the slot is watched meanwhile.
            service.Log.Warning("{Reason}", ReceivedWal.Full().Message);
            await receiver.DisposeAsync();
        }

        wal.Complete();
        await using (cancellation.Register(() => stopStoring.CancelAfter(ClosingTime)))
        {
            await ((Task)shipping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await stopWatching.CancelAsync();
        await ((Task)watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        await shipping;
        if (isLeft)
        {
            return false;
        }

        if (first == watching || start.End is not { } end || wal.End < end)
        {
            await first;
        }

        return true;

        Task ReportAsync(Lsn position)
        {
            Volatile.Write(ref stored, position.Value);
            return receiver.ReportFlushedAsync(position);
        }
    }

    async Task ReceiveAsync(WalReceiver receiver, string slot, StreamStart start, ReceivedWal wal, CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await receiver.ReceiveAsync(
                    slot,
                    start.Timeline,
                    start.Position,
                    (position, data, token) =>
                    {
                        _hasStreamed = true;
                        return wal.AppendAsync(position, data, token);
                    },
                    cancellation);
                return;
            }
            catch (ServerException e) when (e.SqlState == ObjectInUse && attempt < 5)
            {
                // The walsender of the timeline before takes a moment to end.
                await Task.Delay(FirstPause, service.Clock, cancellation);
            }
        }
    }

    void Report(Exception problem)
    {
        var hint = problem switch
        {
            OperationException e => e.Hint,
            ServerException e => e.Hint,
            StorageException e => e.Hint,
            Configuration.ConfigurationException e => e.Hint,
            _ => null,
        };
        var text = hint is null ? problem.Message : $"{problem.Message} (HINT: {hint})";
        if (text == _lastProblem && service.Clock.GetElapsedTime(_lastProblemAt) < SameAgain)
        {
            service.Log.Debug("streaming is interrupted: {Reason}", text);
            return;
        }

        (_lastProblem, _lastProblemAt) = (text, service.Clock.GetTimestamp());
        service.Log.Error("streaming is interrupted: {Reason}", text);
    }
}
