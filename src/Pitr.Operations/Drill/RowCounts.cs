namespace Pitr.Operations.Drill;

/// <summary>The rows of all tables of a recovered cluster but for the system's own, beside those of an earlier drill.</summary>
/// <param name="Tables">How many tables were read.</param>
/// <param name="Rows">How many rows they have.</param>
/// <param name="ComparedWith">Id of the drill that they are compared with; null when there is none.</param>
/// <param name="Largest">The largest tables, at most <see cref="Most"/>, by rows; empty when the configuration wants no table named.</param>
public sealed record RowCounts(int Tables, long Rows, string? ComparedWith, IReadOnlyList<TableRows> Largest)
{
    /// <summary>So many tables are named at most.</summary>
    public const int Most = 1000;

    const int MostWarnings = 20;

    /// <summary>Puts counts beside those of an earlier drill.</summary>
    /// <param name="counted">Every table that was counted.</param>
    /// <param name="listed">Whether a table is known to be there or not: false for what could not be looked at.</param>
    /// <param name="earlier">The drill to compare with; null when there is none.</param>
    /// <param name="names">Whether tables may be named.</param>
    /// <returns>The counts, and what somebody should look at: tables that are gone, or have lost all their rows.</returns>
    public static (RowCounts Counts, IReadOnlyList<string> Warnings) Compare(
        IReadOnlyCollection<TableRows> counted, Func<TableRows, bool> listed, DrillReport? earlier, bool names)
    {
        ArgumentNullException.ThrowIfNull(counted);
        ArgumentNullException.ThrowIfNull(listed);
        var before = names && earlier?.RowCounts is { Largest: { Count: > 0 } largest } ? largest.DistinctBy(Key).ToDictionary(Key) : [];
        var compared = counted.Select(table => table with { Before = before.TryGetValue(Key(table), out var was) ? was.Rows : null }).ToArray();
        var there = counted.Select(Key).ToHashSet();
        var gone = before.Values.Where(table => !there.Contains(Key(table)) && listed(table))
            .Select(table => $"table {table.Table} of database {table.Database} is gone; it had {Text(table.Rows)} rows in drill {earlier!.Id}");
        var emptied = compared.Where(table => table is { Rows: 0, Before: > 0 })
            .Select(table => $"table {table.Table} of database {table.Database} is empty; it had {Text(table.Before!.Value)} rows in drill {earlier!.Id}");
        var counts = new RowCounts(
            counted.Count,
            counted.Sum(table => table.Rows),
            before.Count > 0 ? earlier!.Id : null,
            names ? [.. compared.OrderByDescending(table => table.Rows).ThenBy(table => table.Database, StringComparer.Ordinal).ThenBy(table => table.Table, StringComparer.Ordinal).Take(Most)] : []);
        return (counts, Bounded([.. gone, .. emptied]));
    }

    static IReadOnlyList<string> Bounded(string[] warnings) =>
        warnings.Length <= MostWarnings ? warnings : [.. warnings.Take(MostWarnings), $"and {warnings.Length - MostWarnings} more tables that are gone or empty"];

    static (string Database, string Table) Key(TableRows table) => (table.Database, table.Table);

    static string Text(long rows) => rows.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
}
