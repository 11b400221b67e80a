using System.Globalization;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Drill;

/// <summary>Holds what a check of the configuration has answered against what it expects.</summary>
static class Judgement
{
    const int LongestResult = 1000;

    /// <summary>Of how many rows or lines there are.</summary>
    /// <param name="undone">The check before it is done.</param>
    /// <param name="expect">What is expected.</param>
    /// <param name="rows">How many there are.</param>
    /// <param name="word">What they are.</param>
    public static DrillCheck OfRows(DrillCheck undone, CheckExpectation expect, long rows, string word) =>
        Of(undone, expect, expect.Matches(rows), string.Create(CultureInfo.InvariantCulture, $"{rows} {word}"));

    /// <summary>Of a value; null for NULL.</summary>
    /// <inheritdoc cref="OfRows"/>
    public static DrillCheck OfValue(DrillCheck undone, CheckExpectation expect, string? value)
    {
        try
        {
            return Of(undone, expect, expect.Matches(value), value ?? "NULL");
        }
        catch (FormatException e)
        {
            return Of(undone, expect, false, value ?? "NULL") with { Detail = e.Message };
        }
    }

    /// <summary>As much of a result as a report holds.</summary>
    public static string Shown(string result) => result.Length <= LongestResult ? result : result[..LongestResult] + "…";

    static DrillCheck Of(DrillCheck undone, CheckExpectation expect, bool passed, string result)
    {
        var shown = Shown(result);
        var said = shown.Length > 0 ? shown : "an empty text";
        return undone with { Passed = passed, Result = shown, Detail = passed ? $"{said}, as expected ({expect})" : $"{said}, but expected is {expect}" };
    }
}
