using Pitr.Format.Wal;
using Pitr.Postgres.Wal.Footprints;

namespace Pitr.Operations.Archive.Search;

/// <summary>A transaction or a restore point that was looked for.</summary>
/// <param name="Position">Where its record begins: the commit, or the restore point.</param>
/// <param name="Time">Microseconds since 2000-01-01 UTC.</param>
/// <param name="Transaction">Its id; null for a restore point.</param>
/// <param name="IsCommit">False for a transaction that failed after it had removed a database's files, and for a restore point.</param>
/// <param name="RestorePoint">The restore point's name; null for a transaction.</param>
/// <param name="Database">OID of the transaction's database; 0 when not known.</param>
/// <param name="Footprints">What the transaction did to relations and databases.</param>
/// <param name="StopBefore">Recovery that stops before the record at this position is before all of it.</param>
public sealed record WalSearchHit(
    Lsn Position,
    long Time,
    uint? Transaction,
    bool IsCommit,
    string? RestorePoint,
    uint Database,
    IReadOnlyList<WalFootprint> Footprints,
    Lsn StopBefore)
{
    /// <summary>Whether something is lost by it.</summary>
    public bool IsDestructive => Footprints.Any(f => f.IsDestructive && f.IsMain);

    /// <summary>Name of the transaction's database, when it is known.</summary>
    public string? DatabaseName { get; init; }

    /// <summary>Files the transaction made.</summary>
    public IReadOnlyCollection<Postgres.Wal.RelationFile> CreatedFiles { get; init; } = [];

    /// <summary>The newest backup that ended before <see cref="StopBefore"/>; null when there is none and a restore is not possible.</summary>
    public string? Backup { get; init; }
}
