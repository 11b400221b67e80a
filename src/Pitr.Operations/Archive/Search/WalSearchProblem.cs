using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Search;

/// <summary>Something that keeps a search from knowing everything between its two moments.</summary>
/// <param name="First">First segment it is about; null when it is about a repository as a whole.</param>
/// <param name="Last">Last of them.</param>
/// <param name="Error">What is wrong, for exit code and hint.</param>
public sealed record WalSearchProblem(WalSegmentName? First, WalSegmentName? Last, Exception Error)
{
    /// <summary>The segments are not in the archive; else they, or a repository, cannot be read.</summary>
    public bool IsGap { get; init; }
}
