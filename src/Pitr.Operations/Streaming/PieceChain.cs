using Pitr.Format.Wal;

namespace Pitr.Operations.Streaming;

/// <summary>
/// Which pieces of a segment are one beside the other from its beginning. Pieces may overlap, where a stream began anew in the middle; what they
/// have in common is the same.
/// </summary>
static class PieceChain
{
    /// <summary>The fewest pieces that reach as far as all of them do without a gap from offset 0; empty when none begins there.</summary>
    /// <param name="pieces">Pieces of one segment, in any order.</param>
    public static IReadOnlyList<WalPieceName> Of(IEnumerable<WalPieceName> pieces)
    {
        var chain = new List<WalPieceName>();
        WalPieceName? farthest = null;
        uint end = 0;
        foreach (var piece in pieces.OrderBy(p => p.From))
        {
            if (piece.From > end)
            {
                // What begins behind the end can only be reached over the one that leads farthest.
                if (farthest is not { } next || next.To < piece.From)
                {
                    break;
                }

                chain.Add(next);
                end = next.To;
                farthest = null;
            }

            farthest = piece.To > end && piece.To > (farthest?.To ?? 0) ? piece : farthest;
        }

        if (farthest is { } last)
        {
            chain.Add(last);
        }

        return chain;
    }

    /// <summary>How many bytes from the beginning of the segment the pieces hold.</summary>
    public static int EndOf(IEnumerable<WalPieceName> pieces) => Of(pieces) is [.., var last] ? (int)last.To : 0;
}
