using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Archive.Status;

/// <summary>What a host sees of a server and its pg_wal at one moment.</summary>
/// <param name="At">The moment, by this host's clock.</param>
/// <param name="Server">What the server says; null when it could not be asked.</param>
/// <param name="Content">What lies in pg_wal; null when this host does not see it.</param>
/// <param name="Timeline">The timeline that is written.</param>
/// <param name="Position">End of the WAL that was written.</param>
/// <param name="PositionFrom">Where that is from.</param>
/// <param name="RemoteBytes">Bytes in pg_wal, as the server says, where this host does not see it.</param>
/// <param name="RemoteReady">What waits for the archiver, as the server says, where this host does not see it.</param>
sealed record WalLook(
    DateTimeOffset At,
    ServerWal? Server,
    PgWalContent? Content,
    Timeline? Timeline,
    Lsn? Position,
    string? PositionFrom,
    long? RemoteBytes,
    IReadOnlyList<(string Name, DateTimeOffset Since)>? RemoteReady)
{
    /// <summary>The sample that a runway is measured by; null when there are no files to measure.</summary>
    public PgWalSample? ToSample() => Content is not null && Position is { } position ? new PgWalSample(At, position, Content, Server?.Slots ?? []) : null;

    /// <summary>The first segment that waits.</summary>
    public WalSegmentName? OldestReady(WalSegmentSize size) => Content is not null
        ? Content.OldestReady
        : RemoteReady?.Select(r => WalSegmentName.TryParse(r.Name, out var segment) && segment.IsValidFor(size) ? segment : (WalSegmentName?)null).Where(s => s is not null).Min();
}
