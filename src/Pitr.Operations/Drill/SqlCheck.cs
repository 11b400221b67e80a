using System.Globalization;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Drill;

/// <summary>Asks a recovered server a query of the configuration and holds the answer against what is expected.</summary>
/// <param name="settings">The query.</param>
/// <param name="limit">How long it may take.</param>
/// <param name="clock">Source of time.</param>
sealed class SqlCheck(SqlCheckSettings settings, TimeSpan limit, TimeProvider clock)
{
    /// <summary>What the report calls it.</summary>
    public string Name => $"{settings.Language} {settings.Name}";

    /// <summary>The check before it is done.</summary>
    public DrillCheck Undone => new(Name, false, "") { Sql = settings.Sql, Expected = settings.Expect.Text };

    /// <summary>Does it. Whatever keeps the query from an answer is thrown.</summary>
    /// <param name="ask">Asks the server.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<DrillCheck> RunAsync(Func<SqlCheckSettings, CancellationToken, Task<SqlAnswer>> ask, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(limit, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            return Judge(await ask(settings, linked.Token));
        }
        catch (Exception) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return Undone with { Detail = $"no answer within {ConfigurationUnits.Format(limit)} (drill.check-timeout)" };
        }
    }

    DrillCheck Judge(SqlAnswer answer)
    {
        if (answer.Columns == 0)
        {
            return Undone with { Detail = "the statement gives no rows; write a query" };
        }

        if (answer.IsSeveral)
        {
            return Undone with { Detail = "several queries; write one" };
        }

        return settings.Expect.IsOfRows ? Judgement.OfRows(Undone, settings.Expect, answer.Rows, "rows")
            : answer is { Columns: 1, Rows: 1 } ? Judgement.OfValue(Undone, settings.Expect, answer.Value)
            : Undone with { Detail = string.Create(CultureInfo.InvariantCulture, $"{answer.Rows} rows of {answer.Columns} columns; one value is compared, or the number of rows: expect: rows = {answer.Rows}") };
    }
}
