using Npgsql;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A PostgreSQL 15 server with two databases and a role that needs a password, for all tests that dump it. Tests leave the two as they are.</summary>
public sealed class DumpedCluster : IAsyncLifetime
{
    public const string Password = "it's \"a\\ secret\" § of tests";

    const string Content = """
        CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
        INSERT INTO customers SELECT g, 'customer ' || g FROM generate_series(1, 500) g;
        CREATE TABLE noise (id int PRIMARY KEY, text text);
        INSERT INTO noise SELECT g, (SELECT string_agg(md5(random()::text || g || s), '') FROM generate_series(1, 32) s) FROM generate_series(1, 12000) g;
        CREATE SCHEMA sales; CREATE TABLE sales.orders (id int PRIMARY KEY, customer int); INSERT INTO sales.orders SELECT g, g % 500 FROM generate_series(1, 2000) g;
        CREATE INDEX orders_customer ON sales.orders (customer);
        CREATE VIEW names AS SELECT name FROM customers;
        """;

    readonly TestDirectory _directory = new();
    ScratchCluster? _cluster;

    internal ScratchCluster Cluster => _cluster!;

    /// <summary>Keys of a service that dumps this server.</summary>
    internal string Service => Keys(_directory["password"]);

    internal string Keys(string passwordFile, string more = "") => $"""
        kind: postgres-dump
        connection: "Host={Cluster.SocketDirectory};Port={Cluster.Server.Port};Username=dumper;Database=postgres"
        password: file:{passwordFile}
        databases: [orders, odd "name"]
        {more}
        """;

    public async Task InitializeAsync()
    {
        _cluster = await ScratchCluster.CreateAsync(new ScratchClusterOptions
        {
            BinDirectory = PostgresBinaries.Find(15), Directory = _directory["pg"], Fsync = false, StopOnDispose = ServerStopMode.Immediate,
        });
        WritePassword(_directory["password"], Password);
        await ExecuteAsync("postgres", $"CREATE ROLE dumper SUPERUSER LOGIN PASSWORD '{Password.Replace("'", "''", StringComparison.Ordinal)}'");
        await ExecuteAsync("postgres", "CREATE ROLE clerk");
        var rules = Path.Combine(Cluster.DataDirectory, "pg_hba.conf");
        await File.WriteAllTextAsync(rules, $"local all dumper scram-sha-256\n{await File.ReadAllTextAsync(rules)}");
        await ExecuteAsync("postgres", "SELECT pg_reload_conf()");
        await ExecuteAsync("postgres", "CREATE DATABASE orders TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'");
        await ExecuteAsync("postgres", "CREATE DATABASE \"odd \"\"name\"\"\" TEMPLATE template0");
        await ExecuteAsync("orders", Content);
        await ExecuteAsync("odd \"name\"", "CREATE TABLE t AS SELECT 1 AS id");
    }

    /// <summary>Writes a file that a service reads its password from.</summary>
    internal static void WritePassword(string path, string password)
    {
        File.WriteAllText(path, password + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    internal async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = await OpenAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    internal async Task<T> ScalarAsync<T>(string database, string sql)
    {
        await using var connection = await OpenAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Rows and their number, in an order of their own.</summary>
    internal Task<string> ContentAsync(string database, string table) =>
        ScalarAsync<string>(database, $"SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")), '') FROM {table} t");

    internal Task<bool> HasDatabaseAsync(string name) => ScalarAsync<bool>("postgres", $"SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{name}')");

    async Task<NpgsqlConnection> OpenAsync(string database)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(Cluster.ConnectionString(database)) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        _directory.Dispose();
    }
}

[CollectionDefinition(Name)]
public sealed class DumpedClusterCollection : ICollectionFixture<DumpedCluster>
{
    public const string Name = "dumped cluster";
}
