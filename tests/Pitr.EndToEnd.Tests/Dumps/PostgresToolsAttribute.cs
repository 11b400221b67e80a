using System.Reflection;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Xunit.Sdk;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>Runs a theory with one major version of PostgreSQL whose server and client programs are installed, or counts it as skipped.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class PostgresToolsAttribute(int majorVersion) : DataAttribute
{
    public int MajorVersion { get; } = majorVersion;

    public override string Skip
    {
        get => IsInstalled() ? null! : $"pg_dump and the server of PostgreSQL {MajorVersion} are not installed";
        set => throw new NotSupportedException();
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[MajorVersion]];

    bool IsInstalled()
    {
        try
        {
            return File.Exists(PostgresBinaries.FindClient("pg_dump", MajorVersion)) && PostgresBinaries.Find(MajorVersion).MajorVersion == MajorVersion;
        }
        catch (ServerException)
        {
            return false;
        }
    }
}
