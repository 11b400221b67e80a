using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

public sealed class PostgresConnectionTextTests
{
    [Theory]
    [InlineData("Host=/run/postgresql;Username=postgres", "Host=/run/postgresql;Username=postgres", null)]
    [InlineData("host=/run/postgresql", "Host=/run/postgresql", null)]
    [InlineData("Server=db;User Id=me;PWD=x", "Host=db;Username=me", "x")]
    [InlineData("Host=db;Password=\"a;b\"", "Host=db", "a;b")]
    [InlineData("Host=db;Password='a\"b'", "Host=db", "a\"b")]
    [InlineData("Host=db;SSL Mode=VerifyFull;Root Certificate=/ca.pem", "Host=db;SSL Mode=VerifyFull;Root Certificate=/ca.pem", null)]
    [InlineData("host=db port=5433 user=me dbname=x password=secret", "Host=db;Port=5433;Username=me;Database=x", "secret")]
    [InlineData("host=db user='my user' password='it\\'s \\\\ here'", "Host=db;Username=\"my user\"", "it's \\ here")]
    [InlineData("host = db sslmode = verify-full", "Host=db;SSL Mode=VerifyFull", null)]
    [InlineData("host=db application_name=x connect_timeout=3", "Host=db;Application Name=x;Timeout=3", null)]
    [InlineData("postgresql://me:p%40ss@db:5433/name?sslmode=require", "Username=me;Host=db;Port=5433;Database=name;SSL Mode=Require", "p@ss")]
    [InlineData("postgres://db", "Host=db", null)]
    [InlineData("postgresql:///name?host=/run/postgresql&user=me", "Database=name;Host=/run/postgresql;Username=me", null)]
    [InlineData("postgresql://[::1]:5432/", "Host=::1;Port=5432", null)]
    public void Every_notation_becomes_the_same_without_its_password(string text, string expected, string? expectedPassword)
    {
        Assert.True(PostgresConnectionText.TryParse(text, out var connection, out var password, out var problem), problem);
        Assert.Equal(expected, connection);
        Assert.Equal(expectedPassword, password);
    }

    [Theory]
    [InlineData("postgresql://me@db:port/")]
    [InlineData("postgresql://db/x?sslmode")]
    [InlineData("Host=db;Password=a;b")]
    [InlineData("Host")]
    [InlineData("host=db user='open")]
    [InlineData("host=db user='open password=hunter2")]
    [InlineData("Username=me password='hunter2")]
    [InlineData("Database=x;Username=me Password = 'hunter2")]
    public void What_fits_no_notation_is_refused_without_repeating_it(string text)
    {
        Assert.False(PostgresConnectionText.TryParse(text, out _, out _, out var problem));
        Assert.NotEmpty(problem);
    }
}
