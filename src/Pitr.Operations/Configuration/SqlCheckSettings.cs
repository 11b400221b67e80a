using Pitr.Operations.Drill;

namespace Pitr.Operations.Configuration;

/// <summary>An entry of <c>drill.checks</c>: a query that a drill asks the recovered cluster, and what it has to answer.</summary>
/// <param name="Name">The name given to it.</param>
/// <param name="Database">The database it is asked in.</param>
/// <param name="Sql">One query.</param>
/// <param name="Expect">What its result is held against.</param>
public sealed record SqlCheckSettings(string Name, string Database, string Sql, CheckExpectation Expect)
{
    /// <summary>The database of a check that names none.</summary>
    public const string DefaultDatabase = "postgres";
}
