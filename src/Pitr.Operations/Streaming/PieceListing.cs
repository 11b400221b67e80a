using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>Reads which pieces of a segment are stored.</summary>
static class PieceListing
{
    /// <summary>The pieces that any repository of a service holds. Every repository has to answer: what is not known is not absent.</summary>
    /// <exception cref="StorageException">A repository could not be asked.</exception>
    public static async Task<IReadOnlyList<WalPieceName>> ReadAsync(PostgresService service, WalSegmentName segment, CancellationToken cancellation)
    {
        var lists = await Task.WhenAll(service.Repositories.Stores.Select(store => ReadAsync(store, service.Name, segment, cancellation)));
        return [.. lists.SelectMany(list => list).Distinct()];
    }

    /// <summary>The pieces that one repository holds.</summary>
    /// <exception cref="StorageException">It could not be asked.</exception>
    /// <exception cref="Errors.RepositoryUnavailableException">The place is no repository.</exception>
    public static async Task<IReadOnlyList<WalPieceName>> ReadAsync(IObjectStore store, ServiceName service, WalSegmentName segment, CancellationToken cancellation)
    {
        var pieces = new List<WalPieceName>();
        await foreach (var item in store.ListAsync(RepositoryLayout.WalPiecesPrefix(service, segment), ListMode.Recursive, cancellation))
        {
            if (RepositoryLayout.TryParseWalPiece(item.Key, out _, out var piece))
            {
                pieces.Add(piece);
            }
        }

        if (pieces.Count == 0)
        {
            // An unmounted disk has no pieces either.
            await RepositorySet.RequireInitialisedAsync(store, cancellation);
        }

        return pieces;
    }
}
