using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Extract;

namespace Pitr.Operations.Tests.Extract;

/// <summary>--into-database takes every notation of a connection, or a name, and never a password.</summary>
public class TargetConnectionTests
{
    static readonly PostgresServiceSettings Service = new("main", ["local"], ObjectiveSettings.Default, RetentionSettings.Default)
    {
        Connection = "Host=db1;Port=5433;Username=postgres;Database=postgres", Password = SecretValue.Literal("of the service"),
    };

    [Theory]
    [InlineData("postgresql://me@db2:5434/shop", "Host=db2;Port=5434;Username=me;Database=shop", "database shop at db2:5434")]
    [InlineData("host=/run/postgresql user=me dbname=shop", "Host=/run/postgresql;Username=me;Database=shop", "database shop at /run/postgresql:5432")]
    [InlineData("Host=db2;Username=me;Database=shop", "Host=db2;Username=me;Database=shop", "database shop at db2:5432")]
    public void A_connection_is_taken_as_it_is(string text, string expected, string description)
    {
        var connection = TargetConnection.Read(text, Service);
        Assert.Equal(new Npgsql.NpgsqlConnectionStringBuilder(expected).ToString(), Sorted(connection.Reveal(), expected));
        Assert.Equal(description, connection.Description);
    }

    [Fact]
    public void A_name_is_a_database_of_the_services_server()
    {
        var connection = TargetConnection.Read("Shop 2", Service);
        var settings = new Npgsql.NpgsqlConnectionStringBuilder(connection.Reveal());
        Assert.Equal(("db1", 5433, "Shop 2", "of the service"), (settings.Host, settings.Port, settings.Database, settings.Password));
        Assert.Equal("database Shop 2 at db1:5433", connection.Description);
    }

    [Theory]
    [InlineData("postgresql://me:s3cret@db2/shop")]
    [InlineData("host=db2 password=s3cret")]
    [InlineData("Host=db2;Password=s3cret")]
    [InlineData("Host=db2;Pasword=s3cret")]
    [InlineData("postgresql://me@db2/shop?colour=s3cret")]
    public void A_password_or_a_slip_is_refused_and_not_repeated(string text)
    {
        var refusal = Assert.Throws<RefusedInputException>(() => TargetConnection.Read(text, Service));
        Assert.DoesNotContain("s3cret", refusal.Message + refusal.Hint, StringComparison.Ordinal);
    }

    // The order of the keywords says nothing.
    static string Sorted(string connection, string like)
    {
        var (given, sorted) = (new Npgsql.NpgsqlConnectionStringBuilder(connection), new Npgsql.NpgsqlConnectionStringBuilder());
        foreach (var keyword in new Npgsql.NpgsqlConnectionStringBuilder(like).Keys.Cast<string>().Union(given.Keys.Cast<string>()))
        {
            sorted[keyword] = given[keyword];
        }

        return sorted.ToString();
    }
}
