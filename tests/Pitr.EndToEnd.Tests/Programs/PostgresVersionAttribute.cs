using System.Reflection;
using Pitr.Postgres.Cluster;
using Xunit.Sdk;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>Runs a theory with one major version of PostgreSQL, or counts it as skipped where $PITR_TEST_POSTGRES_ROOTS does not have that version.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class PostgresVersionAttribute(int majorVersion) : DataAttribute
{
    static readonly Lazy<Dictionary<int, BinDirectory>> Found = new(() => TestEnvironment.PostgresRoots
        .Select(PostgresBinaries.Probe)
        .OfType<BinDirectory>()
        .DistinctBy(found => found.MajorVersion)
        .ToDictionary(found => found.MajorVersion));

    public int MajorVersion { get; } = majorVersion;

    public override string Skip
    {
        get => Found.Value.ContainsKey(MajorVersion) ? null! : $"no PostgreSQL {MajorVersion} in PITR_TEST_POSTGRES_ROOTS";
        set => throw new NotSupportedException();
    }

    /// <summary>The programs of a version: initdb, pg_ctl and postgres at least.</summary>
    public static BinDirectory Programs(int majorVersion) => Found.Value[majorVersion];

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[MajorVersion]];
}
