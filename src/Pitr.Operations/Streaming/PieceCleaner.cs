using System.Threading.Channels;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>
/// Removes the pieces of segments that a repository holds whole, one segment after the other, behind everybody's back. What it does not come to
/// is found when the stream begins the next time.
/// </summary>
sealed class PieceCleaner : IAsyncDisposable
{
    // So that it keeps up with a stream that stores one piece after the other, and does not crowd out what is stored.
    const int AtOnce = 4;

    readonly PostgresService _service;
    readonly Channel<WalSegmentName> _segments = Channel.CreateUnbounded<WalSegmentName>();
    readonly CancellationTokenSource _stopping = new();
    readonly Task _running;

    /// <summary>Begins at once.</summary>
    public PieceCleaner(PostgresService service)
    {
        _service = service;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Looks after a segment that was stored whole.</summary>
    public void Clean(WalSegmentName segment) => _segments.Writer.TryWrite(segment);

    async Task RunAsync()
    {
        try
        {
            await foreach (var segment in _segments.Reader.ReadAllAsync(_stopping.Token))
            {
                await Task.WhenAll(_service.Repositories.Stores.Select(store => TryCleanAsync(store, segment)));
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Left for the next time.
        }
    }

    async Task TryCleanAsync(IObjectStore store, WalSegmentName segment)
    {
        try
        {
            // One that is owed the segment keeps its pieces: they are all it has.
            if (await store.StatAsync(RepositoryLayout.Wal(_service.Name, WalFileName.ForSegment(segment)), _stopping.Token) is null)
            {
                return;
            }

            var pieces = await PieceListing.ReadAsync(store, _service.Name, segment, _stopping.Token);
            var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = _stopping.Token };
            await Parallel.ForEachAsync(pieces, options, async (piece, token) => await store.DeleteAsync(RepositoryLayout.WalPiece(_service.Name, piece), token));
        }
        catch (Exception e) when (e is StorageException or OperationException)
        {
            _service.Log.Warning("pieces of {Segment} stay in repository {Repository} for now: {Reason}", segment, store.Name, e.Message);
        }
    }

    /// <summary>Stops after the object it is at.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }
}
