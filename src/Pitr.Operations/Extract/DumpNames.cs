using Pitr.Operations.Errors;
using Pitr.Postgres.Dumps;

namespace Pitr.Operations.Extract;

/// <summary>The names that were asked for.</summary>
/// <param name="Tables">Patterns of tables.</param>
/// <param name="Schemas">Patterns of schemas.</param>
/// <param name="IntoSchema">Schema that everything goes into, or null.</param>
public sealed record DumpNames(IReadOnlyList<NamePattern> Tables, IReadOnlyList<NamePattern> Schemas, string? IntoSchema)
{
    /// <summary>Neither tables nor schemas are named.</summary>
    public bool IsWholeDatabase => Tables.Count == 0 && Schemas.Count == 0;

    /// <summary>What is asked for, for messages.</summary>
    public string Description => IsWholeDatabase
        ? "the whole database"
        : string.Join(", ", Tables.Select(t => $"table {t.Text}").Concat(Schemas.Select(s => $"schema {s.Text}")));

    /// <summary>Reads the names.</summary>
    /// <exception cref="RefusedInputException">One cannot be read, or what is named does not go together.</exception>
    public static DumpNames Read(ExtractRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Tables.Count > 0 && request.Schemas.Count > 0)
        {
            throw new RefusedInputException(
                "--table and --schema exclude each other: with tables, pg_dump takes no notice of schemas", "all tables of a schema are --table 'SCHEMA.*'; or extract twice");
        }

        DumpNames names;
        try
        {
            names = new DumpNames([.. request.Tables.Select(NamePattern.ParseTable)], [.. request.Schemas.Select(NamePattern.ParseSchema)], request.IntoSchema);
        }
        catch (FormatException e)
        {
            throw new RefusedInputException(e.Message, "names are written as in SQL: upper case, blanks and dots inside of double quotes, --table 'sales.\"Order items\"'", e);
        }

        if (names.IntoSchema is not { } schema)
        {
            return names;
        }

        if (names.IsWholeDatabase || names.Schemas.Count > 1)
        {
            throw new RefusedInputException("--into-schema takes tables, or one schema", "name what goes into it with --table or --schema");
        }

        return schema.Length > 0 && schema != "information_schema" && !schema.StartsWith("pg_", StringComparison.Ordinal)
            ? names
            : throw new RefusedInputException($"--into-schema \"{schema}\" is a name that PostgreSQL does not give to schemas", "choose another name, for example recovered");
    }
}
