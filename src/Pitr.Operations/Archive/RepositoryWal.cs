using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>What one repository holds of a service's WAL.</summary>
/// <param name="Repository">Its name.</param>
/// <param name="Timelines">In ascending order.</param>
public sealed record RepositoryWal(string Repository, IReadOnlyList<WalTimeline> Timelines)
{
    /// <summary>The timeline, or null when the repository has nothing of it.</summary>
    public WalTimeline? Find(Timeline timeline) => Timelines.FirstOrDefault(t => t.Timeline == timeline);
}
