using Pitr.Postgres.Cluster;

namespace Pitr.Postgres.Tests.Servers;

/// <summary>
/// The PostgreSQL versions tests can run: 15 always, others from the directories of programs listed, colon-separated, in the environment
/// variable PITR_TEST_POSTGRES_ROOTS.
/// </summary>
public static class PostgresVersions
{
    const string Variable = "PITR_TEST_POSTGRES_ROOTS";

    static readonly Lazy<Dictionary<int, BinDirectory>> Others = new(() =>
        (Environment.GetEnvironmentVariable(Variable) ?? "")
        .Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Select(PostgresBinaries.Probe)
        .OfType<BinDirectory>()
        .DistinctBy(found => found.MajorVersion)
        .ToDictionary(found => found.MajorVersion));

    public static string? MissingReason(int majorVersion) =>
        majorVersion == 15 || Others.Value.ContainsKey(majorVersion)
            ? null
            : $"no PostgreSQL {majorVersion} in {Variable}";

    public static BinDirectory Get(int majorVersion) =>
        Others.Value.TryGetValue(majorVersion, out var found) ? found : PostgresBinaries.Find(majorVersion);
}
