using System.Text.RegularExpressions;

namespace Pitr.Operations.Configuration;

/// <summary>What services and repositories may be called; services appear in object keys, so both follow the rule of those.</summary>
static partial class EntryName
{
    public const string Rule = "1 to 63 of a-z 0-9 _ . - beginning with a letter or digit, no capitals";

    public static bool IsValid(string name) => Pattern().IsMatch(name);

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_.-]{0,62}\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Pattern();
}
