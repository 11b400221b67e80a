using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>
/// Stores what is received: pieces of the current segment, and the segment itself when it is full, in place of its pieces. Says how far the WAL is
/// durable only after as many repositories as are required have it.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="wal">What is received.</param>
/// <param name="start">Where receiving began, and what of it is stored already.</param>
/// <param name="pieces">Stores pieces.</param>
/// <param name="cleaner">Removes pieces of full segments.</param>
/// <param name="isUrgent">Whether commits wait for the stream.</param>
/// <param name="durable">Told the position before which everything is durable; positions only grow.</param>
sealed class Shipper(
    PostgresService service, ReceivedWal wal, StreamStart start, PieceStore pieces, PieceCleaner cleaner, Func<bool> isUrgent, Func<Lsn, Task> durable)
{
    // So much is stored at once even if no commit waits.
    const int EnoughForPiece = 1 << 20;

    // Sealing takes about twice this in memory, and a commit waits for all of a piece.
    const int LargestPiece = 4 << 20;

    static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    readonly StreamedFilePush _push = new(service);
    bool _isHeldChecked;
    WalSegmentEdges? _before;
    long? _waitingSince;

    /// <summary>Stores until there is nothing more to come.</summary>
    /// <exception cref="ConflictException">Other WAL is stored in this place.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var pushing = Task.CompletedTask;
        try
        {
            while (await NextAsync(cancellation) is { } head)
            {
                await CheckHeldAsync(head, cancellation);
                if (!head.IsFull)
                {
                    await StorePieceAsync(head, head.Received, cancellation);
                    continue;
                }

                // A commit that waits for the end of a segment need not wait for all of it to be stored again.
                while (isUrgent() && head.Stored < head.Size && head.Size - head.Stored <= LargestPiece)
                {
                    await StorePieceAsync(head, head.Size, cancellation);
                }

                var edges = EdgesOf(head);
                await pushing;
                pushing = PushAsync(wal.Take(), cancellation);
                _before = edges;
                if (head.Stored < head.Size)
                {
                    await pushing;
                    await durable(EndOf(head));
                }
            }
        }
        finally
        {
            await pushing;
        }
    }

    // What a record that goes on in the next segment has in this one; damage is for whoever reads it.
    static WalSegmentEdges EdgesOf(SegmentBuffer segment)
    {
        var content = segment.Bytes(0, segment.Size).Span;
        WalCommitScanner.Walk(content, WalSegmentHeader.Parse(content), out var edges, segment.Before);
        return edges;
    }

    Lsn EndOf(SegmentBuffer segment) => segment.Name.StartLsn(start.SegmentSize) + (ulong)segment.Size;

    // The segment to work on; null when all is stored and nothing more comes.
    async Task<SegmentBuffer?> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            // In this order: what was received before the end is seen after it.
            var isComplete = wal.IsComplete;
            var head = wal.Head;
            if (head is not null)
            {
                head.Stored = Math.Max(head.Stored, start.HeldIn(head.Name));
                head.Before = _before;
            }

            var waiting = head is null || head.Received < PieceStore.SmallestFirst ? 0 : head.Received - head.Stored;
            var isUnchecked = head is not null && !_isHeldChecked && start.Held > 0 && head.Received >= start.Held;
            if (head is { IsFull: true } || isUnchecked || (waiting > 0 && (isComplete || waiting >= EnoughForPiece || Left() <= TimeSpan.Zero)))
            {
                return head;
            }

            if (isComplete)
            {
                return null;
            }

            await wal.WaitAsync(waiting > 0 ? Left() : Timeout.InfiniteTimeSpan, service.Clock, cancellation);
        }
    }

    // How long what waits may go on waiting for more.
    TimeSpan Left()
    {
        _waitingSince ??= service.Clock.GetTimestamp();
        return isUrgent() ? TimeSpan.Zero : service.Settings.Wal.Stream.Delay - service.Clock.GetElapsedTime(_waitingSince.Value);
    }

    // What was stored before the stream began was received once more: it must be the same.
    async Task CheckHeldAsync(SegmentBuffer head, CancellationToken cancellation)
    {
        if (_isHeldChecked)
        {
            return;
        }

        if (start.HeldPiece is { } held)
        {
            await pieces.RequireSameAsync(head, held.Piece, held.Store, cancellation);
        }

        _isHeldChecked = true;
        await durable(head.Name.StartLsn(start.SegmentSize) + (ulong)start.Held);
    }

    async Task StorePieceAsync(SegmentBuffer head, int received, CancellationToken cancellation)
    {
        if (head.Stored >= received)
        {
            return;
        }

        _waitingSince = null;
        await InsistAsync(
            () => pieces.StoreAsync(head, Math.Min(received, head.Stored + LargestPiece), cancellation), head.Name, cancellation);
        await durable(head.Name.StartLsn(start.SegmentSize) + (ulong)head.Stored);
    }

    async Task PushAsync(SegmentBuffer segment, CancellationToken cancellation)
    {
        try
        {
            var result = (StoredBytes: 0, IsNew: false);
            await InsistAsync(
                async () => result = await _push.PushAsync(segment.Name, segment.Bytes(0, segment.Size), segment.Before, cancellation), segment.Name, cancellation);
            service.Log.Information(
                "{Service}: streamed {File} ({Bytes} bytes as {StoredBytes}){Again}", service.Name, segment.Name, segment.Size, result.StoredBytes, result.IsNew ? "" : ", already stored");
            cleaner.Clean(segment.Name);
        }
        finally
        {
            wal.Return(segment);
        }
    }

    // Storage that is down comes back; until then nothing is reported as durable, and the server keeps its WAL.
    async Task InsistAsync(Func<Task> store, WalSegmentName segment, CancellationToken cancellation)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                await store();
                return;
            }
            catch (Exception e) when (e is (StorageException and not ObjectExistsException) or RepositoryUnavailableException)
            {
                service.Log.Error("{Segment} cannot be stored; {Waiting}: {Reason}", segment, isUrgent() ? "commits wait" : "the server keeps its WAL", e.Message);
                await Task.Delay(pause, service.Clock, cancellation);
            }
        }
    }
}
