using Pitr.Format.Wal;
using Pitr.Operations.Services;
using Pitr.Postgres.Replication;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Streaming;

/// <summary>
/// Looks every few seconds at what the server says of the stream: whether commits wait for it, and how much WAL the server keeps because of it.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="session">A session with the server, for this alone.</param>
/// <param name="received">How far WAL has come: while none comes there is little to see.</param>
/// <param name="isBehind">Whether some of that is not stored: then the server keeps more and more, also while none comes.</param>
/// <param name="stored">How far it is stored.</param>
sealed class SlotWatch(PostgresService service, PostgresSession session, Func<Lsn> received, Func<bool> isBehind, Func<Lsn> stored)
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    const int PausesWhenIdle = 15;
    static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(5);

    // Kept for the slot without a limit: beyond this somebody should know.
    const long Much = 1L << 30;

    readonly TaskCompletionSource _heldUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    bool? _isSynchronous;
    Lsn? _stored;
    Level _warnedOf;
    long _warned;

    /// <summary>Whether commits wait for the stream. As long as that is not known, they are taken to.</summary>
    public bool IsSynchronous => _isSynchronous ?? true;

    /// <summary>
    /// Ends when the server is about to give the slot up, or has, while nothing can be stored. From then on the walsender must not be kept: a checkpoint ends it,
    /// and waits until whoever does not read what it sends has read its last words.
    /// </summary>
    public Task HeldUp => _heldUp.Task;

    /// <summary>Watches until it is cancelled.</summary>
    /// <exception cref="Pitr.Postgres.ServerException">The server does not answer any more.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var slot = service.Settings.Wal.Stream.Slot;
        var seen = Lsn.Invalid;
        for (var pauses = PausesWhenIdle; ; pauses++)
        {
            if (pauses < PausesWhenIdle && received() == seen && !isBehind())
            {
                await Task.Delay(Pause, service.Clock, cancellation);
                continue;
            }

            (seen, pauses) = (received(), 0);
            if (await ReplicationSlots.ReadStatusAsync(session, slot, cancellation) is { } status)
            {
                Look(status, slot);
            }

            await Task.Delay(Pause, service.Clock, cancellation);
        }
    }

    void Look(StreamStatus status, string slot)
    {
        if (status.IsSynchronous != _isSynchronous)
        {
            _isSynchronous = status.IsSynchronous;
            service.Log.Information(
                status.IsSynchronous ? "commits wait for stream {Slot}: WAL is stored at once" : "no commit waits for stream {Slot}: WAL is stored every {Delay}",
                slot,
                service.Settings.Wal.Stream.Delay);
        }

        var (level, danger) = Danger(status);
        var progress = stored();
        if (level >= Level.Unreserved && isBehind() && progress == _stored)
        {
            _heldUp.TrySetResult();
        }

        _stored = progress;
        // What becomes worse is said at once, what stays the same now and then.
        if (level > _warnedOf || (level > Level.None && service.Clock.GetElapsedTime(_warned) >= BetweenWarnings))
        {
            _warned = service.Clock.GetTimestamp();
            service.Log.Warning("replication slot {Slot}: the server keeps {Bytes} bytes of WAL for it{Danger}", slot, status.RetainedBytes, danger);
            _warnedOf = level;
        }
        else if (level == Level.None)
        {
            _warnedOf = level;
        }
    }

    static (Level Level, string Text) Danger(StreamStatus status) => status switch
    {
        { WalStatus: "lost" } => (Level.Lost, "; it is lost: WAL that was not streamed is gone"),
        { WalStatus: "unreserved" } => (Level.Unreserved, ", more than max_slot_wal_keep_size; the next checkpoint may remove it"),
        { MaxSlotWalKeepSize: { } limit, SafeWalSize: { } safe } when safe < limit / 4 => (Level.Much, $"; after {safe} bytes more it may lose WAL (max_slot_wal_keep_size)"),
        { MaxSlotWalKeepSize: null } when status.RetainedBytes > Much => (Level.Much, ", and without max_slot_wal_keep_size it will go on until the disk is full"),
        _ => (Level.None, ""),
    };

    enum Level
    {
        None,
        Much,
        Unreserved,
        Lost,
    }
}
