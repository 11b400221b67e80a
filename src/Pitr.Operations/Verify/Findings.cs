namespace Pitr.Operations.Verify;

/// <summary>Collects findings: all are counted, the first are kept. Safe for use from several threads.</summary>
/// <param name="onFinding">Told each one as it is found; may be null.</param>
/// <param name="mostOfKind">So many of each kind are kept at most, so that a common one does not hide the others.</param>
public sealed class Findings(Action<Finding>? onFinding, int mostOfKind = Findings.Most)
{
    /// <summary>So many are kept: an archive may have millions of objects, and all may be bad.</summary>
    public const int Most = 1000;

    readonly Lock _lock = new();
    readonly List<Finding> _findings = [];
    readonly Dictionary<FindingKind, long> _counts = [];

    /// <summary>How many there are.</summary>
    public long Count
    {
        get
        {
            lock (_lock)
            {
                return _counts.Values.Sum();
            }
        }
    }

    /// <summary>The first ones.</summary>
    public IReadOnlyList<Finding> Kept
    {
        get
        {
            lock (_lock)
            {
                return [.. _findings];
            }
        }
    }

    /// <summary>The kinds there are, each with how many, in the order of <see cref="FindingKind"/>.</summary>
    public IReadOnlyList<(FindingKind Kind, long Count)> Counts
    {
        get
        {
            lock (_lock)
            {
                return [.. _counts.OrderBy(c => c.Key).Select(c => (c.Key, c.Value))];
            }
        }
    }

    /// <summary>How many there are of a kind.</summary>
    public long CountOf(FindingKind kind)
    {
        lock (_lock)
        {
            return _counts.GetValueOrDefault(kind);
        }
    }

    /// <summary>Adds one.</summary>
    public void Add(FindingKind kind, string? repository, string @object, string text, string? hint)
    {
        var finding = new Finding(kind, repository, @object, text, hint);
        lock (_lock)
        {
            var known = _counts.GetValueOrDefault(kind);
            _counts[kind] = known + 1;
            if (_findings.Count >= Most || known >= mostOfKind)
            {
                return;
            }

            _findings.Add(finding);
            onFinding?.Invoke(finding);
        }
    }
}
