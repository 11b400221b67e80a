using System.Globalization;

namespace Pitr.Operations.Drill.Files;

/// <summary>What is wrong with single files: how many, and the first few of them. Safe for several threads.</summary>
sealed class Findings
{
    const int MostNamed = 5;

    readonly Lock _lock = new();
    readonly List<string> _named = [];
    int _wrong;
    int _closed;

    /// <summary>What this user may not look at, because it cannot have its owner's rights.</summary>
    public int Closed => _closed;

    /// <summary>Notes something that is wrong.</summary>
    public void Add(string what)
    {
        lock (_lock)
        {
            _wrong++;
            if (_named.Count < MostNamed)
            {
                _named.Add(what);
            }
        }
    }

    /// <summary>Notes something that this user may not look at.</summary>
    public void AddClosed() => Interlocked.Increment(ref _closed);

    /// <summary>The verdict.</summary>
    /// <param name="name">Of the check.</param>
    /// <param name="good">What is said when nothing is wrong.</param>
    public DrillCheck ToCheck(string name, string good)
    {
        var more = _wrong > _named.Count ? string.Create(CultureInfo.InvariantCulture, $"; and {_wrong - _named.Count} more") : "";
        return new DrillCheck(name, _wrong == 0, _wrong == 0 ? good : string.Join("; ", _named) + more);
    }
}
