using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>Everything that is archived of one service's WAL, as runs, so that its size does not grow with the archive.</summary>
/// <param name="SegmentSize">The cluster's segment size.</param>
/// <param name="Timelines">What at least one repository holds, in ascending order.</param>
public sealed record WalInventory(WalSegmentSize SegmentSize, IReadOnlyList<WalTimeline> Timelines)
{
    readonly WalInventory? _whole;

    /// <summary>Whether sizes and times in it are known; when it was listed by names alone they mean nothing.</summary>
    public bool HasSizes { get; init; } = true;

    /// <summary>The same without segments that lie in pieces: those of which there is an object.</summary>
    public WalInventory Whole
    {
        get => _whole ?? this;
        init => _whole = value;
    }

    /// <summary>What each repository that answered holds, in configured order.</summary>
    public IReadOnlyList<RepositoryWal> Repositories { get; init; } = [];

    /// <summary>The timeline, or null when nothing of it is archived.</summary>
    public WalTimeline? Find(Timeline timeline) => Timelines.FirstOrDefault(t => t.Timeline == timeline);

    /// <summary>True when the segment is archived.</summary>
    public bool Contains(WalSegmentName segment) => Find(segment.Timeline)?.Contains(segment) ?? false;
}
