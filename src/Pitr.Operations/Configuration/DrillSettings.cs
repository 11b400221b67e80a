namespace Pitr.Operations.Configuration;

/// <summary>The <c>drill</c> section of a service: what is looked at in a recovered cluster beyond what every drill looks at.</summary>
/// <param name="CheckTimeout"><c>check-timeout</c>: how long one SQL check may take. Default 5 minutes.</param>
/// <param name="NamesTables"><c>row-counts: by-table</c>: the report says of each table how many rows it has. <c>total</c>: of each database, and no table is named. Default by-table.</param>
/// <param name="Checks"><c>checks</c>, in the order written; no name twice. Default none.</param>
public sealed record DrillSettings(TimeSpan CheckTimeout, bool NamesTables, IReadOnlyList<SqlCheckSettings> Checks)
{
    /// <summary>What applies when the configuration says nothing.</summary>
    public static DrillSettings Default { get; } = new(TimeSpan.FromMinutes(5), NamesTables: true, []);
}
