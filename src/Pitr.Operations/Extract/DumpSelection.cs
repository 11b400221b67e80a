using Pitr.Postgres.Dumps;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Extract;

/// <summary>What was found in the recovered cluster under the names asked for.</summary>
/// <param name="Database">The database it is in.</param>
/// <param name="Relations">Every relation that is dumped, by schema and name.</param>
/// <param name="Schemas">Schemas that are dumped as a whole.</param>
/// <param name="IsWholeDatabase">All of the database is dumped.</param>
public sealed record DumpSelection(string Database, IReadOnlyList<DumpRelation> Relations, IReadOnlyList<string> Schemas, bool IsWholeDatabase)
{
    /// <summary>Patterns for pg_dump's <c>--table</c> that mean these relations and no other.</summary>
    public IReadOnlyList<string> TablePatterns => IsWholeDatabase || Schemas.Count > 0 ? [] : [.. Relations.Select(r => r.Qualified)];

    /// <summary>Patterns for pg_dump's <c>--schema</c>.</summary>
    public IReadOnlyList<string> SchemaPatterns => [.. Schemas.Select(SqlText.Identifier)];
}
