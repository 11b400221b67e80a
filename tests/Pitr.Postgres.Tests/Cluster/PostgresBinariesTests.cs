using Pitr.Postgres.Cluster;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Cluster;

public class PostgresBinariesTests
{
    [Fact]
    public void Finds_the_installed_version()
    {
        var found = PostgresBinaries.Find(15);

        Assert.Equal(15, found.MajorVersion);
        Assert.True(File.Exists(found.Program("pg_basebackup")));
        Assert.Equal(found, PostgresBinaries.Find(15, found.Path));
    }

    [Fact]
    public void Lists_where_it_looked()
    {
        var error = Assert.Throws<ServerException>(() => PostgresBinaries.Find(99));

        Assert.Contains("/usr/lib/postgresql/99/bin", error.Message, StringComparison.Ordinal);
        Assert.Contains("/usr/pgsql-99/bin", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }

    [Fact]
    public void Does_not_look_elsewhere_when_the_configured_directory_is_wrong()
    {
        using var directory = new TestDirectory();
        var empty = Assert.Throws<ServerException>(() => PostgresBinaries.Find(15, directory.Path));
        Assert.Contains(directory.Path, empty.Message, StringComparison.Ordinal);

        var other = Assert.Throws<ServerException>(() => PostgresBinaries.Find(16, PostgresBinaries.Find(15).Path));
        Assert.Contains("has PostgreSQL 15, needed is 16", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reads_the_version_of_a_data_directory()
    {
        using var directory = new TestDirectory();
        Assert.Throws<ServerException>(() => PostgresBinaries.FindForDataDirectory(directory.Path));

        File.WriteAllText(directory.Sub("PG_VERSION"), "15\n");
        Assert.Equal(15, PostgresBinaries.FindForDataDirectory(directory.Path).MajorVersion);

        File.WriteAllText(directory.Sub("PG_VERSION"), "9.6\n");
        var old = Assert.Throws<ServerException>(() => PostgresBinaries.FindForDataDirectory(directory.Path));
        Assert.Contains("\"9.6\"", old.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_the_program_that_is_missing()
    {
        var error = Assert.Throws<ServerException>(() => PostgresBinaries.Find(15).Program("pg_nothing"));
        Assert.Contains("pg_nothing", error.Message, StringComparison.Ordinal);
    }
}
