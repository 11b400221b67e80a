using Pitr.Format.Wal;
using Pitr.Postgres.Wal.Events;

namespace Pitr.Postgres.Wal.Footprints;

/// <summary>A transaction that ended, with what it did.</summary>
/// <param name="End">Its commit or abort.</param>
/// <param name="Footprints">What it did to relations and databases.</param>
/// <param name="StopBefore">
/// Recovery that stops before the record at this position has everything back: mostly the commit itself; earlier when files are removed
/// before it, as DROP DATABASE does.
/// </param>
/// <param name="CreatedFiles">Files that it made: those that relations have now which it emptied or rewrote.</param>
public sealed record WalTransaction(WalTransactionEnd End, IReadOnlyList<WalFootprint> Footprints, Lsn StopBefore, IReadOnlyCollection<RelationFile> CreatedFiles)
{
    /// <summary>Whether something is lost by it. An index can be made again.</summary>
    public bool IsDestructive => Footprints.Any(f => f.IsDestructive && f.IsMain);
}
