using Pitr.Operations.Drill;

namespace Pitr.Operations.Configuration;

/// <summary>An entry of <c>drill.checks</c>: a query that a drill asks the recovered cluster, and what it has to answer.</summary>
/// <param name="Name">The name given to it.</param>
/// <param name="Database">The database it is asked in; empty: none.</param>
/// <param name="Sql">One query, or one command of Redis.</param>
/// <param name="Expect">What its result is held against.</param>
public sealed record SqlCheckSettings(string Name, string Database, string Sql, CheckExpectation Expect)
{
    /// <summary>The database of a check of PostgreSQL that names none.</summary>
    public const string DefaultDatabase = "postgres";

    /// <summary>What <see cref="Sql"/> is, and the key that it is written under: <c>sql</c>, or <c>command</c> of Redis.</summary>
    public string Language { get; init; } = SqlLanguage;

    /// <summary>A query.</summary>
    public const string SqlLanguage = "sql";

    /// <summary>A command of Redis.</summary>
    public const string CommandLanguage = "command";
}
