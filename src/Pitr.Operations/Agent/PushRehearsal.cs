using Pitr.Format.Keys;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Agent;

/// <summary>
/// Goes through the work on a segment with one of its own making, of which nothing is kept: the runtime compiles the code for it now and not while
/// PostgreSQL waits for the first segments.
/// </summary>
static class PushRehearsal
{
    // As often as the runtime wants to have seen a method before it compiles it well.
    const int Times = 40;

    /// <summary>Rehearses; takes about a tenth of a second of one processor.</summary>
    public static void Run(CancellationToken cancellation)
    {
        var size = WalSegmentSize.From(1 << 20);
        var header = new WalSegmentHeader(18, new Timeline(1), new Lsn((ulong)size.Bytes), SystemIdentifier: 1, size, BlockSize: 8192);
        var name = WalFileName.Parse("000000010000000000000001");
        var content = new byte[size.Bytes];
        var grown = new byte[SealedObject.SealBound(content.Length)];
        using var key = DataKey.Create(DateTimeOffset.UnixEpoch);
        for (var i = 0; i < Times && !cancellation.IsCancellationRequested; i++)
        {
            SealedWalFile.Make(name, header, before: null, content, key, 1, grown);
        }
    }
}
