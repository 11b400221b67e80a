using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>
/// Stores pieces of segments. As many repositories as are required hold a piece when the call returns; the others are owed nothing, because
/// the whole segment follows, and with it the debt.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="systemIdentifier">Of the cluster whose WAL it is.</param>
sealed class PieceStore(PostgresService service, ulong systemIdentifier)
{
    /// <summary>The first piece of a segment has at least so many bytes: the header that says whose segment it is.</summary>
    public const int SmallestFirst = WalSegmentHeader.Size;

    /// <summary>Stores the bytes from where the stored ones end, and moves that mark when they are durable.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="to">Where the piece ends.</param>
    /// <param name="cancellation">Ends the work; the piece may be stored all the same.</param>
    /// <exception cref="StorageException">Too few repositories could take it.</exception>
    /// <exception cref="ConflictException">Other bytes are stored in this place.</exception>
    public async Task StoreAsync(SegmentBuffer segment, int to, CancellationToken cancellation)
    {
        var piece = new WalPieceName(segment.Name, (uint)segment.Stored, (uint)to);
        var bytes = segment.Bytes(segment.Stored, to);
        var key = await service.SealingKeys.GetAsync(cancellation);
        var header = WalSegmentHeader.Parse(segment.Bytes(0, WalSegmentHeader.Size).Span);
        // Of all that is there by now: the last piece alone tells what can be recovered.
        var commits = segment.Commits.Scan(segment.Bytes(0, to).Span, header, segment.Before);
        var stored = Describe(header, piece, bytes.Span);
        var sealedBytes = stored.Seal(bytes, key, commits, service.Settings.Wal.CompressionLevel);
        await service.Repositories.WriteAsync(
            [],
            Laggards.LetRun,
            (store, token) => stored.PutAsync(store, sealedBytes, token),
            cancellation,
            isReady: store => service.SealingKeys.IsPublished(key, store));
        segment.Stored = to;
    }

    /// <summary>Makes sure that a stored piece is of the WAL that was received again, and not of another server's.</summary>
    /// <param name="segment">The segment; received as far as the piece reaches.</param>
    /// <param name="piece">A stored piece of it.</param>
    /// <param name="store">Where it is.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="ConflictException">The piece has other content.</exception>
    public async Task RequireSameAsync(SegmentBuffer segment, WalPieceName piece, IObjectStore store, CancellationToken cancellation)
    {
        var header = WalSegmentHeader.Parse(segment.Bytes(0, WalSegmentHeader.Size).Span);
        await Describe(header, piece, segment.Bytes((int)piece.From, (int)piece.To).Span).RequireSameAsync(store, cancellation);
    }

    StreamedObject Describe(WalSegmentHeader header, WalPieceName piece, ReadOnlySpan<byte> bytes) => new(
        RepositoryLayout.WalPiece(service.Name, piece),
        piece.ToString(),
        WalPieceFingerprint.Compute(systemIdentifier, piece.Segment.Timeline, header.PageAddress + piece.From, bytes));
}
