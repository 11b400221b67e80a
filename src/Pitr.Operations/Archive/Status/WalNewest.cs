using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Streaming;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Status;

/// <summary>Finds the newest segment of a service in one repository by a few short listings, however large the archive is.</summary>
/// <param name="service">The service.</param>
/// <param name="size">The cluster's segment size.</param>
public sealed class WalNewest(ServiceName service, WalSegmentSize size)
{
    /// <summary>The newest segment, and what there is of the one that follows it; null when there is neither.</summary>
    /// <exception cref="StorageException">The repository could not be listed.</exception>
    public async Task<NewestWal?> FindAsync(IObjectStore store, CancellationToken cancellation)
    {
        NewestWal? found = null;
        foreach (var timeline in await PrefixesAsync(store, RepositoryLayout.WalPrefix(service), cancellation))
        {
            foreach (var log in await PrefixesAsync(store, timeline, cancellation))
            {
                if (await LastAsync(store, log, cancellation) is not { } last)
                {
                    continue;
                }

                // The first segment of a log file or of a timeline may lie in pieces only.
                found = found is null ? last : last with { Piece = found.Piece, PieceStored = found.PieceStored };
                if (found.Segment is not null)
                {
                    return found;
                }
            }
        }

        return found;
    }

    // Names have all their digits, so that the last is the highest.
    static async Task<List<string>> PrefixesAsync(IObjectStore store, string prefix, CancellationToken cancellation)
    {
        var prefixes = new List<string>();
        await foreach (var item in store.ListAsync(prefix, ListMode.Children, cancellation))
        {
            if (item.IsPrefix)
            {
                prefixes.Add(item.Key);
            }
        }

        prefixes.Reverse();
        return prefixes;
    }

    async Task<NewestWal?> LastAsync(IObjectStore store, string prefix, CancellationToken cancellation)
    {
        var last = new NewestWal();
        var pieces = new List<(WalPieceName Name, DateTimeOffset Stored)>();
        await foreach (var item in store.ListAsync(prefix, ListMode.Recursive, cancellation))
        {
            if (RepositoryLayout.TryParseWal(item.Key, out _, out var file) && file is { Kind: WalFileKind.Segment, Segment: { } segment } && segment.IsValidFor(size))
            {
                last = new NewestWal { Segment = segment, Stored = item.Modified, UnbrokenFrom = last.Segment?.Next(size) == segment ? last.UnbrokenFrom : segment };
            }
            else if (RepositoryLayout.TryParseWalPiece(item.Key, out _, out var piece) && piece.Segment.IsValidFor(size))
            {
                if (pieces is [var (other, _), ..] && other.Segment < piece.Segment)
                {
                    pieces.Clear();
                }

                pieces.Add((piece, item.Modified));
            }
        }

        if (PieceChain.Of(pieces.Select(p => p.Name)) is [.., var end] && (last.Segment is not { } whole || whole < end.Segment))
        {
            last = last with { Piece = end, PieceStored = pieces.First(p => p.Name == end).Stored };
        }

        return last.Segment is null && last.Piece is null ? null : last;
    }
}
