namespace Pitr.Operations.Archive.Verify;

/// <summary>Collects findings: all are counted, the first are kept. Safe for use from several threads.</summary>
/// <param name="onFinding">Told each one as it is found; may be null.</param>
public sealed class WalFindings(Action<WalFinding>? onFinding)
{
    /// <summary>So many are kept: an archive may have millions of objects, and all may be bad.</summary>
    public const int Most = 1000;

    readonly Lock _lock = new();
    readonly List<WalFinding> _findings = [];
    readonly Dictionary<WalFindingKind, long> _counts = [];

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
    public IReadOnlyList<WalFinding> Kept
    {
        get
        {
            lock (_lock)
            {
                return [.. _findings];
            }
        }
    }

    /// <summary>How many there are of a kind.</summary>
    public long CountOf(WalFindingKind kind)
    {
        lock (_lock)
        {
            return _counts.GetValueOrDefault(kind);
        }
    }

    /// <summary>Adds one.</summary>
    public void Add(WalFindingKind kind, string? repository, string @object, string text, string? hint)
    {
        var finding = new WalFinding(kind, repository, @object, text, hint);
        lock (_lock)
        {
            _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
            if (_findings.Count >= Most)
            {
                return;
            }

            _findings.Add(finding);
            onFinding?.Invoke(finding);
        }
    }
}
