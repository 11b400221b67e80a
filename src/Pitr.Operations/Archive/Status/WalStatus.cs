using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Archive.Status;

/// <summary>Where WAL stands on its way from the server into the archive. What could not be found out is null, and says why beside it.</summary>
public sealed record WalStatus
{
    /// <summary>The service.</summary>
    public required string Service { get; init; }

    /// <summary>When it was measured.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What the server says; null when it could not be asked.</summary>
    public ServerWal? Server { get; init; }

    /// <summary>Why the server could not be asked.</summary>
    public string? ServerUnanswered { get; init; }

    /// <summary>pg_control; null when this host does not see the data directory.</summary>
    public ControlFile? Control { get; init; }

    /// <summary>What lies in pg_wal; null when this host does not see it.</summary>
    public PgWalContent? PgWal { get; init; }

    /// <summary>Why pg_wal could not be looked at.</summary>
    public string? PgWalUnseen { get; init; }

    /// <summary>Bytes in pg_wal, from its files or from the server.</summary>
    public long? PgWalBytes { get; init; }

    /// <summary>Files that wait for the archiver, from archive_status or from the server.</summary>
    public int? Ready { get; init; }

    /// <summary>When the one that waits longest began to.</summary>
    public DateTimeOffset? ReadySince { get; init; }

    /// <summary>The timeline that is written.</summary>
    public Timeline? Timeline { get; init; }

    /// <summary>End of the WAL that was written.</summary>
    public Lsn? Position { get; init; }

    /// <summary>Where <see cref="Position"/> is from: <c>server</c>, <c>pg_wal</c> (to a page) or <c>pg_control</c> (the last checkpoint).</summary>
    public string? PositionFrom { get; init; }

    /// <summary>The repositories in configured order.</summary>
    public required IReadOnlyList<RepositoryWalStatus> Repositories { get; init; }

    /// <summary>How many of them must hold a segment before it counts.</summary>
    public required int Required { get; init; }

    /// <summary>End of the WAL that is archived without a segment waiting before it.</summary>
    public Lsn? ArchivedTo { get; init; }

    /// <summary>The last archived commit that was found; null when none was. A later one may be in <see cref="Unsearched"/>.</summary>
    public DateTimeOffset? LastCommit { get; init; }

    /// <summary>
    /// Names of the repositories that did not answer and may hold WAL that no other does; empty when so many answered that every acknowledged
    /// segment is in one of those.
    /// </summary>
    public IReadOnlyList<string> Unsearched =>
        Repositories.Where(r => r.Unanswered is not null).Select(r => r.Name).ToArray() is var silent && silent.Length >= Required ? silent : [];

    /// <summary>Bytes of WAL that are written and not archived.</summary>
    public long? LagBytes { get; init; }

    /// <summary>Since how long the oldest of them is there.</summary>
    public TimeSpan? Lag { get; init; }

    /// <summary>How long the disk lasts; null when this host does not see pg_wal.</summary>
    public PgWalRunway? Runway { get; init; }

    /// <summary>What archiving does.</summary>
    public WalArchiving Archiving { get; init; }

    /// <summary>What is wrong; empty when nothing is.</summary>
    public IReadOnlyList<WalProblem> Problems { get; init; } = [];

    /// <summary>What could not be found out.</summary>
    public IReadOnlyList<WalProblem> Unknown { get; init; } = [];
}
