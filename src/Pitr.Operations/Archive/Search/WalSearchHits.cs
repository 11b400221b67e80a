using Pitr.Format.Wal;
using Pitr.Postgres.Wal.Events;
using Pitr.Postgres.Wal.Footprints;

namespace Pitr.Operations.Archive.Search;

/// <summary>Collects what is between the two moments and is looked for; keeps the newest.</summary>
sealed class WalSearchHits(WalSearchRequest request)
{
    readonly Queue<WalSearchHit> _kept = new();

    bool _hasBegun = request.From?.RestorePoint is null;

    public long Found { get; private set; }

    public long Commits { get; private set; }

    public long FirstCommit { get; private set; }

    public long LastCommit { get; private set; }

    public IReadOnlyList<WalSearchHit> Kept => [.. _kept];

    /// <summary>The restore point to begin with was seen, if there is one.</summary>
    public bool HasBegun => _hasBegun;

    /// <summary>The restore point, or the position, to end with was seen.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Takes a restore point.</summary>
    public void Add(WalRestorePoint point)
    {
        _hasBegun |= point.Name == request.From?.RestorePoint;
        if (!IsInRange(point.Position, point.Time))
        {
            return;
        }

        if (request.Kinds.HasFlag(WalSearchKinds.RestorePoint) && request.Relation is null)
        {
            Keep(new WalSearchHit(point.Position, point.Time, null, false, point.Name, 0, [], point.Position));
        }

        HasEnded |= point.Name == request.To?.RestorePoint;
    }

    /// <summary>Takes a transaction that ended.</summary>
    public void Add(WalTransaction transaction)
    {
        var end = transaction.End;
        if (!IsInRange(end.Position, end.Time))
        {
            return;
        }

        if (end.IsCommit)
        {
            Commits++;
            FirstCommit = FirstCommit == 0 ? end.Time : Math.Min(FirstCommit, end.Time);
            LastCommit = LastCommit == 0 ? end.Time : Math.Max(LastCommit, end.Time);
        }

        if (IsWanted(end.IsCommit, transaction.Footprints))
        {
            Keep(new WalSearchHit(end.Position, end.Time, end.Transaction, end.IsCommit, null, end.Database, transaction.Footprints, transaction.StopBefore)
            {
                CreatedFiles = transaction.CreatedFiles,
            });
        }
    }

    /// <summary>Whether what a transaction did is looked for, as far as its names are known: what has no name may be it.</summary>
    public bool IsWanted(bool isCommit, IReadOnlyList<WalFootprint> footprints) =>
        (isCommit && request.Kinds.HasFlag(WalSearchKinds.Commit) && request.Relation is null)
        || footprints.Any(f => (f.IsMain || request.Kinds.HasFlag(WalSearchKinds.All)) && request.Kinds.HasFlag(KindOf(f)) && IsWantedRelation(f));

    bool IsWantedRelation(WalFootprint footprint) => request.Relation is not { } relation
        || (footprint.Name is null && footprint.Kind != FootprintKind.DatabaseDrop)
        || footprint.Name == relation
        || $"{footprint.Schema}.{footprint.Name}" == relation;

    bool IsInRange(Lsn position, long time)
    {
        HasEnded |= position > request.To?.Lsn;
        return _hasBegun && !HasEnded
            && !(position < request.From?.Lsn) && !(time < request.From?.Time) && !(time > request.To?.Time);
    }

    void Keep(WalSearchHit finding)
    {
        Found++;
        _kept.Enqueue(finding);
        if (_kept.Count > request.Limit)
        {
            _kept.Dequeue();
        }
    }

    static WalSearchKinds KindOf(WalFootprint footprint) => footprint.Kind switch
    {
        FootprintKind.Drop => WalSearchKinds.Drop,
        FootprintKind.Truncate => WalSearchKinds.Truncate,
        FootprintKind.FilesRemoved => WalSearchKinds.FilesRemoved,
        FootprintKind.DatabaseDrop => WalSearchKinds.DatabaseDrop,
        FootprintKind.Rewrite => WalSearchKinds.Rewrite,
        FootprintKind.FileTruncate => WalSearchKinds.FileTruncate,
        _ => WalSearchKinds.None,
    };
}
