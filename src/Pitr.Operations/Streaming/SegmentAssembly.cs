using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>
/// Puts a segment together from its pieces, as far as they reach without a gap from its beginning; the rest is zeros, where PostgreSQL sees the end
/// of WAL. Every piece is authenticated, and held against its name: cluster, timeline and place.
/// </summary>
public sealed class SegmentAssembly(PostgresService service)
{
    // There may be thousands of small ones, and a server that recovers waits for all of them (decision 0031).
    const int Parallel = 32;

    /// <summary>Reads a segment from its pieces.</summary>
    /// <returns>A whole segment, to be disposed; null when every repository answered that there is no piece with its beginning.</returns>
    /// <exception cref="StorageException">A repository could not be asked: what there is is not known.</exception>
    /// <exception cref="DamagedRepositoryException">A piece is damaged, and no repository has a good copy of it.</exception>
    /// <exception cref="KeyUnavailableException">No key opens a piece.</exception>
    public async Task<PooledBytes?> TryReadAsync(WalSegmentName segment, CancellationToken cancellation)
    {
        var pieces = await PieceListing.ReadAsync(service, segment, cancellation);
        var chain = PieceChain.Of(pieces);
        if (chain.Count == 0)
        {
            return null;
        }

        var lost = pieces.Where(p => p.From > chain[^1].To).ToArray();
        if (lost.Length > 0)
        {
            service.Log.Warning(
                "{Segment}: pieces from {From} to {To} are missing; {Count} pieces after them are of no use", segment, chain[^1].To, lost.Min(p => p.From), lost.Length);
        }

        var first = await FetchAsync(chain[0], cancellation);
        var header = ParseHeader(segment, chain[^1], first.Bytes);
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(header.SegmentSize.Bytes);
        try
        {
            Place(first, header, buffer);
            var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation };
            await System.Threading.Tasks.Parallel.ForEachAsync(
                chain.Skip(1), options, async (piece, token) => Place(await FetchAsync(piece, token), header, buffer));
            buffer.AsSpan((int)chain[^1].To, header.SegmentSize.Bytes - (int)chain[^1].To).Clear();
            service.Log.Information(
                "{Segment}: put together from {Pieces} pieces, {Bytes} of {SegmentBytes} bytes", segment, chain.Count, chain[^1].To, header.SegmentSize.Bytes);
            return new PooledBytes(buffer, header.SegmentSize.Bytes);
        }
        catch
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    async Task<StoredPiece> FetchAsync(WalPieceName piece, CancellationToken cancellation)
    {
        var key = RepositoryLayout.WalPiece(service.Name, piece);
        var asked = await service.Repositories.AskFirstAsync((store, token) => OpenAsync(store, key, piece, token), cancellation);
        return asked.IsAnswered ? asked.Answer : throw asked.Failure;
    }

    async Task<StoredPiece> OpenAsync(IObjectStore store, string key, WalPieceName piece, CancellationToken cancellation)
    {
        try
        {
            return await StoredPiece.OpenAsync(service, store, piece, cancellation);
        }
        catch (DamagedObjectException e)
        {
            throw Damaged($"{store.Name}: {key} is damaged: {e.Message}", e);
        }
    }

    WalSegmentHeader ParseHeader(WalSegmentName segment, WalPieceName last, ReadOnlySpan<byte> first)
    {
        try
        {
            var header = WalSegmentHeader.Parse(first);
            header.RequireMatches(segment, header.SegmentSize.Bytes);
            return last.To <= header.SegmentSize.Bytes
                ? header
                : throw new WalSegmentException($"it has pieces up to {last.To}, behind its end at {header.SegmentSize.Bytes}");
        }
        catch (WalSegmentException e)
        {
            throw Damaged($"the pieces of {segment} are damaged: {e.Message}", e);
        }
    }

    void Place(StoredPiece piece, WalSegmentHeader header, byte[] buffer)
    {
        if (!piece.IsOf(header.SystemIdentifier, header.PageAddress))
        {
            throw Damaged($"{RepositoryLayout.WalPiece(service.Name, piece.Name)} is damaged: its content does not have the fingerprint it was stored with", null);
        }

        piece.Bytes.CopyTo(buffer.AsSpan((int)piece.Name.From));
    }

    static DamagedRepositoryException Damaged(string message, Exception? cause) => new(
        message,
        "the last commits lie in these pieces; bring the damaged one back from another copy of the repository, or recover to a moment before it",
        cause);
}
