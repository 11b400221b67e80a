using System.Globalization;
using Npgsql;
using Pitr.Operations.Configuration;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Drill;

/// <summary>Asks a recovered cluster a query of the configuration and holds the answer against what is expected.</summary>
/// <param name="settings">The query.</param>
/// <param name="limit">How long it may take.</param>
/// <param name="clock">Source of time.</param>
sealed class SqlCheck(SqlCheckSettings settings, TimeSpan limit, TimeProvider clock)
{
    const int LongestResult = 1000;

    /// <summary>What the report calls it.</summary>
    public string Name => $"sql {settings.Name}";

    /// <summary>The check before it is done.</summary>
    public DrillCheck Undone => new(Name, false, "") { Sql = settings.Sql, Expected = settings.Expect.Text };

    /// <summary>Does it. Whatever keeps the query from an answer is thrown.</summary>
    public async Task<DrillCheck> RunAsync(PostgresServer server, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(limit, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            await using var session = await PostgresSession.OpenAsync(server.ConnectionString(settings.Database), linked.Token);
            // Without result types everything comes as text, as psql shows it.
            await using var command = new NpgsqlCommand(settings.Sql, session.Connection) { CommandTimeout = 0, AllResultTypesAreUnknown = true };
            await using var reader = await command.ExecuteReaderAsync(linked.Token);
            return await JudgeAsync(reader, linked.Token);
        }
        catch (Exception) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return Undone with { Detail = $"no answer within {ConfigurationUnits.Format(limit)} (drill.check-timeout)" };
        }
    }

    async Task<DrillCheck> JudgeAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var columns = reader.FieldCount;
        if (columns == 0)
        {
            return Undone with { Detail = "the statement gives no rows; write a query" };
        }

        string? value = null;
        var rows = 0L;
        while (await reader.ReadAsync(cancellation))
        {
            if (rows++ == 0 && !settings.Expect.IsOfRows && columns == 1)
            {
                value = Text(reader);
            }
        }

        if (await reader.NextResultAsync(cancellation))
        {
            return Undone with { Detail = "several queries; write one" };
        }

        if (settings.Expect.IsOfRows)
        {
            return Judged(settings.Expect.Matches(rows), string.Create(CultureInfo.InvariantCulture, $"{rows} rows"));
        }

        if (columns != 1 || rows != 1)
        {
            return Undone with { Detail = string.Create(CultureInfo.InvariantCulture, $"{rows} rows of {columns} columns; one value is compared, or the number of rows: expect: rows = {rows}") };
        }

        try
        {
            return Judged(settings.Expect.Matches(value), value ?? "NULL");
        }
        catch (FormatException e)
        {
            return Judged(false, value ?? "NULL") with { Detail = e.Message };
        }
    }

    // What is a t or an f for psql is written like in SQL, and so it is expected.
    static string? Text(NpgsqlDataReader reader)
    {
        if (reader.IsDBNull(0))
        {
            return null;
        }

        var text = reader.GetString(0);
        return reader.GetDataTypeName(0) != "boolean" ? text : text == "t" ? "true" : "false";
    }

    DrillCheck Judged(bool passed, string result)
    {
        var shown = result.Length <= LongestResult ? result : result[..LongestResult] + "…";
        var said = shown.Length > 0 ? shown : "an empty text";
        return Undone with { Passed = passed, Result = shown, Detail = passed ? $"{said}, as expected ({settings.Expect})" : $"{said}, but expected is {settings.Expect}" };
    }
}
