using Pitr.Format.Wal;
using Pitr.Operations.Streaming;

namespace Pitr.Operations.Archive.Verify;

/// <summary>Finds what is missing between the pieces of one segment, by their names.</summary>
/// <param name="segment">The segment.</param>
/// <param name="held">What each repository holds of it.</param>
/// <param name="isEachRequired">Whether every repository must hold a piece before the next one is stored.</param>
sealed class WalPieceHoles(WalSegmentName segment, IReadOnlyList<IReadOnlyList<WalPieceName>> held, bool isEachRequired)
{
    readonly IReadOnlyList<WalPieceName> _all = [.. held.SelectMany(pieces => pieces).Distinct()];

    /// <summary>What is in no repository although something behind it is, and how many pieces that makes worthless; null when nothing is missing.</summary>
    public (WalPieceName Hole, int Behind)? InAll()
    {
        var end = (uint)PieceChain.EndOf(_all);
        var behind = _all.Where(p => p.From > end).ToArray();
        return behind.Length == 0 ? null : (new WalPieceName(segment, end, behind.Min(p => p.From)), behind.Length);
    }

    /// <summary>What one repository lacks although it must have had it; null when it lacks nothing. A piece that nothing follows may be on its way.</summary>
    /// <param name="repository">Its index.</param>
    public WalPieceName? In(int repository)
    {
        if (!isEachRequired || _all.Count == 0)
        {
            return null;
        }

        var begun = _all.Max(p => p.From);
        var settled = PieceChain.Of(_all).Where(p => p.To <= begun).Select(p => p.To).DefaultIfEmpty().Max();
        var end = (uint)PieceChain.EndOf(held[repository]);
        return end < settled ? new WalPieceName(segment, end, settled) : null;
    }

    /// <summary>Whether anything is missing.</summary>
    public bool Any => InAll() is not null || Enumerable.Range(0, held.Count).Any(i => In(i) is not null);
}
