using Pitr.Operations.Dumps;
using Pitr.Postgres;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>A server's program that is missing is an error with the package that has it.</summary>
public sealed class ToolFinderTests
{
    [Fact]
    public void A_server_that_is_missing_is_named_with_its_package_and_the_configured_directory_is_looked_at_first()
    {
        var directory = Directory.CreateTempSubdirectory("pitr-tools-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(directory, "bin"));
            var e = Assert.Throws<ServerException>(() => ToolFinder.FindServer(["no-such-server"], Path.Combine(directory, "bin"), "some-server on Debian and Ubuntu"));
            Assert.Contains("no no-such-server found", e.Message, StringComparison.Ordinal);
            Assert.Contains("install some-server on Debian and Ubuntu", e.Hint, StringComparison.Ordinal);
            var program = Path.Combine(Directory.CreateDirectory(Path.Combine(directory, "sbin")).FullName, "sh");
            File.WriteAllText(program, "");
            Assert.Equal(program, ToolFinder.FindServer(["sh"], Path.Combine(directory, "bin"), ""));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void A_host_with_older_servers_only_says_which_it_has()
    {
        var e = Assert.Throws<ServerException>(() => Pitr.Postgres.Cluster.PostgresBinaries.FindServer(99));
        Assert.Contains("the dump is of PostgreSQL 99, and this host has server programs of ", e.Message, StringComparison.Ordinal);
        Assert.Contains("install postgresql-99", e.Hint, StringComparison.Ordinal);
        Assert.True(Pitr.Postgres.Cluster.PostgresBinaries.FindServer(12).MajorVersion >= 12);
    }
}
