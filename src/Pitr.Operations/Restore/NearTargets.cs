using System.Globalization;
using Pitr.Operations.Archive;
using Pitr.Operations.Configuration;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Wal.Events;

namespace Pitr.Operations.Restore;

/// <summary>Remembers, while WAL is searched for a name or a transaction, what is nearest to it.</summary>
sealed class NearTargets(RecoveryTarget target)
{
    // So many restore points are remembered; who makes more gives them names by a rule.
    const int MostNames = 1000;

    readonly uint _wanted = target.Kind == RecoveryTargetKind.Xid ? unchecked((uint)ulong.Parse(target.Value, CultureInfo.InvariantCulture)) : 0;
    readonly Dictionary<string, long> _names = new(StringComparer.Ordinal);
    WalTransactionEnd? _below;
    WalTransactionEnd? _above;

    /// <summary>Looks at something that is not what is searched for.</summary>
    public void Add(WalEvent seen)
    {
        if (seen is WalRestorePoint point && _names.Count < MostNames)
        {
            _names[point.Name] = point.Time;
        }
        else if (seen is WalTransactionEnd end && target.Kind == RecoveryTargetKind.Xid)
        {
            // Ids go round: what is less than half the way ahead comes later (TransactionIdPrecedes() of PostgreSQL src/backend/access/transam/transam.c).
            var ahead = unchecked((int)(end.Transaction - _wanted));
            if (ahead < 0 && (_below is null || ahead > unchecked((int)(_below.Transaction - _wanted))))
            {
                _below = end;
            }
            else if (ahead > 0 && (_above is null || ahead < unchecked((int)(_above.Transaction - _wanted))))
            {
                _above = end;
            }
        }
    }

    /// <summary>What could be asked for instead.</summary>
    public string Hint()
    {
        if (target.Kind == RecoveryTargetKind.Name)
        {
            return NearestName.Hint(target.Value, _names.OrderByDescending(n => n.Value).Select(n => n.Key), "restore points, newest first");
        }

        return (_below, _above) switch
        {
            (null, null) => "no transaction ends in that WAL",
            ({ } below, null) => $"the nearest before it is {Text(below)}, none comes after it",
            (null, { } above) => $"none comes before it, the nearest after it is {Text(above)}",
            ({ } below, { } above) => $"the nearest are {Text(below)} before it and {Text(above)} after it",
        };
    }

    static string Text(WalTransactionEnd end) =>
        $"--target-xid {end.Transaction.ToString(CultureInfo.InvariantCulture)} ({(end.IsCommit ? "committed" : "aborted")} {RestorePlanner.Moment(WalTime.FromMicroseconds(end.Time))})";
}
