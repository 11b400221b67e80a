using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>What one repository holds of a service's WAL.</summary>
/// <param name="Repository">Its name.</param>
/// <param name="Timelines">In ascending order.</param>
public sealed record RepositoryWal(string Repository, IReadOnlyList<WalTimeline> Timelines)
{
    /// <summary>Pieces of segments that the repository does not hold whole.</summary>
    public IReadOnlyDictionary<WalSegmentName, IReadOnlyList<WalPieceName>> Pieces { get; init; } = new Dictionary<WalSegmentName, IReadOnlyList<WalPieceName>>();

    /// <summary>The timeline, or null when the repository has nothing of it.</summary>
    public WalTimeline? Find(Timeline timeline) => Timelines.FirstOrDefault(t => t.Timeline == timeline);
}
