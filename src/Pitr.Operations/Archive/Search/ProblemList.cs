using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Archive.Search;

/// <summary>Collects problems; missing segments in a row become one.</summary>
sealed class ProblemList(WalSegmentSize size)
{
    readonly List<WalSearchProblem> _all = [];

    public IReadOnlyList<WalSearchProblem> All => _all;

    /// <summary>Adds a segment that is not in the archive.</summary>
    public void AddMissing(WalSegmentName segment)
    {
        if (_all is [.., { IsGap: true, First: { } first, Last: { } last }] && last.Timeline == segment.Timeline && last.Next(size) == segment)
        {
            _all[^1] = Gap(first, segment);
        }
        else
        {
            _all.Add(Gap(segment, segment));
        }
    }

    /// <summary>Adds trouble with one segment.</summary>
    public void Add(WalSegmentName segment, Exception error) => _all.Add(new WalSearchProblem(segment, segment, error));

    /// <summary>Adds trouble with something else.</summary>
    public void Add(Exception error) => _all.Add(new WalSearchProblem(null, null, error));

    /// <summary>Adds that repositories did not answer which may hold more.</summary>
    public void Add(RepositorySet repositories)
    {
        try
        {
            repositories.RequireComplete();
        }
        catch (RepositoryUnavailableException e)
        {
            Add(e);
        }
    }

    static WalSearchProblem Gap(WalSegmentName first, WalSegmentName last) => new(first, last, new DamagedRepositoryException(
        first == last ? $"{first} is not in the archive" : $"{first} to {last} are not in the archive",
        "what happened there is not known; `pitr wal list` shows every gap")) { IsGap = true };
}
