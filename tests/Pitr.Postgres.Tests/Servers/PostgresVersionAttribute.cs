using System.Reflection;
using Xunit.Sdk;

namespace Pitr.Postgres.Tests.Servers;

/// <summary>Runs a theory with one major version, or counts it as skipped where that version is not installed.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class PostgresVersionAttribute(int majorVersion) : DataAttribute
{
    public int MajorVersion { get; } = majorVersion;

    public override string Skip
    {
        get => PostgresVersions.MissingReason(MajorVersion)!;
        set => throw new NotSupportedException();
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[MajorVersion]];
}
