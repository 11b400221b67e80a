using System.Text;

namespace Pitr.Operations.Configuration;

/// <summary>Finds what a person probably meant.</summary>
public static class NearestName
{
    const int ListedNames = 20;

    /// <summary>The known name nearest to <paramref name="given"/>, or null if none is near enough to be worth saying.</summary>
    /// <param name="given">What was written.</param>
    /// <param name="known">What would be right.</param>
    public static string? Find(string given, IEnumerable<string> known)
    {
        string? best = null;
        var bestDistance = int.MaxValue;
        foreach (var name in known)
        {
            var distance = IsAbbreviation(given, name) ? 1 : Distance(given.ToLowerInvariant(), name.ToLowerInvariant());
            if (distance < bestDistance)
            {
                (best, bestDistance) = (name, distance);
            }
        }
        return best is not null && bestDistance <= Math.Max(1, Math.Min(given.Length, best.Length) / 3) ? best : null;
    }

    /// <summary><c>did you mean "x"? valid keys: x, y, z</c>.</summary>
    /// <param name="given">What was written.</param>
    /// <param name="known">What would be right.</param>
    /// <param name="title">What the list is called, e.g. <c>valid keys</c>.</param>
    public static string Hint(string given, IEnumerable<string> known, string title)
    {
        var names = known.ToList();
        var text = new StringBuilder();
        if (Find(given, names) is { } nearest)
        {
            text.Append("did you mean \"").Append(nearest).Append("\"? ");
        }
        text.Append(title).Append(": ").AppendJoin(", ", names.Take(ListedNames));
        if (names.Count == 0)
        {
            text.Append("none");
        }
        else if (names.Count > ListedNames)
        {
            text.Append($" and {names.Count - ListedNames} more");
        }
        return text.ToString();
    }

    static bool IsAbbreviation(string given, string name) =>
        given.Length >= 3 && name.StartsWith(given, StringComparison.OrdinalIgnoreCase);

    /// <summary>Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).</summary>
    internal static int Distance(string a, string b)
    {
        // Both come from a bounded file, but a megabyte of key must not cost a square of that.
        const int LongestCompared = 128;
        if (a.Length > LongestCompared || b.Length > LongestCompared)
        {
            return int.MaxValue;
        }
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    table[i, j] = i + j;
                    continue;
                }
                var replaced = table[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                table[i, j] = Math.Min(replaced, Math.Min(table[i - 1, j], table[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
                }
            }
        }
        return table[a.Length, b.Length];
    }
}
