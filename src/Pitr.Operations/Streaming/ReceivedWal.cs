using System.Collections.Concurrent;
using System.Threading.Channels;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Postgres;

namespace Pitr.Operations.Streaming;

/// <summary>
/// WAL between the connection it comes from and the repositories it goes to: a few segments in memory. When storing falls behind, receiving
/// waits, and the server keeps the rest.
/// </summary>
sealed class ReceivedWal : IDisposable
{
    // What is received and not stored yet, at most; two segments at least, so that one is received while one is stored.
    const int Memory = 32 << 20;

    // So long the server may be kept from sending. Its checkpoints may have to wait for that, too (SlotWatch.HeldUp).
    static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(30);

    readonly Timeline _timeline;
    readonly WalSegmentSize _size;
    readonly TimeSpan _patience;
    readonly ConcurrentQueue<SegmentBuffer> _segments = new();
    readonly ConcurrentBag<byte[]> _spare = [];
    readonly SemaphoreSlim _room;
    readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    SegmentBuffer? _filling;
    ulong _end;
    volatile bool _isComplete;

    /// <param name="timeline">Timeline of the WAL.</param>
    /// <param name="start">Where receiving begins: a segment's first byte.</param>
    /// <param name="size">The cluster's segment size.</param>
    /// <param name="patience">How long to wait for room; 30 s if not said.</param>
    public ReceivedWal(Timeline timeline, Lsn start, WalSegmentSize size, TimeSpan? patience = null)
    {
        _patience = patience ?? DefaultPatience;
        (_timeline, _size, _end) = (timeline, size, start.Value);
        _room = new SemaphoreSlim(Math.Clamp(Memory / size.Bytes, 2, 8));
    }

    /// <summary>End of what was received.</summary>
    public Lsn End => new(Volatile.Read(ref _end));

    /// <summary>The oldest segment that is not taken away; null when nothing was received since.</summary>
    public SegmentBuffer? Head => _segments.TryPeek(out var head) ? head : null;

    /// <summary>Whether some of what was received is not stored.</summary>
    public bool IsBehind => Head is { } head && head.Stored < head.Received;

    /// <summary>Nothing more will come.</summary>
    public bool IsComplete => _isComplete;

    /// <summary>Takes what a server sent.</summary>
    /// <exception cref="ServerException">It does not follow what came before.</exception>
    /// <exception cref="RepositoryUnavailableException">There is no room for it, and has not been for long.</exception>
    public async ValueTask AppendAsync(Lsn position, Stream data, CancellationToken cancellation)
    {
        if (position != End)
        {
            throw new ServerException($"the server sent WAL of {position} where {End} follows");
        }

        for (var left = data.Length; left > 0;)
        {
            if (_filling is null || _filling.IsFull)
            {
                if (!await _room.WaitAsync(_patience, cancellation))
                {
                    throw Full();
                }

                // Not from the shared pool, which keeps an array for every thread that ever gave one back.
                var memory = _spare.TryTake(out var spare) ? spare : GC.AllocateUninitializedArray<byte>(_size.Bytes);
                _filling = new SegmentBuffer(WalSegmentName.FromLsn(_timeline, End, _size), memory);
                _segments.Enqueue(_filling);
            }

            var read = await data.ReadAsync(_filling.Room, cancellation);
            if (read == 0)
            {
                throw new ServerException($"the server announced {left} bytes more of WAL at {End} than it sent");
            }

            left -= read;
            _filling.Advance(read);
            Volatile.Write(ref _end, _end + (ulong)read);
            _news.Writer.TryWrite(true);
        }
    }

    /// <summary>The error of a stream that was left because what came could not be stored.</summary>
    public static RepositoryUnavailableException Full() => new(
        "WAL comes faster than the repositories take it, and the stream was left so that the server is not held up; it keeps the rest",
        "the messages before this one say what is wrong with the repositories; `pitr wal status` says what the slot keeps");

    /// <summary>Says that nothing more will come.</summary>
    public void Complete()
    {
        _isComplete = true;
        _news.Writer.TryWrite(true);
    }

    /// <summary>Takes the head away; it is to be given back.</summary>
    public SegmentBuffer Take() => _segments.TryDequeue(out var head) ? head : throw new InvalidOperationException("nothing was received");

    /// <summary>Gives a segment back that is not needed any more.</summary>
    public void Return(SegmentBuffer segment)
    {
        _spare.Add(segment.Release());
        _room.Release();
    }

    /// <summary>Waits until something has come since the last time, or a time has passed.</summary>
    public async Task WaitAsync(TimeSpan longest, TimeProvider clock, CancellationToken cancellation)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var news = _news.Reader.WaitToReadAsync(enough.Token).AsTask();
        if (longest == Timeout.InfiniteTimeSpan)
        {
            await news;
        }
        else
        {
            await Task.WhenAny(news, Task.Delay(longest, clock, enough.Token));
            await enough.CancelAsync();
            await ((Task)news).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellation.ThrowIfCancellationRequested();
        }

        _news.Reader.TryRead(out _);
    }

    /// <summary>Ends it.</summary>
    public void Dispose() => _room.Dispose();
}
