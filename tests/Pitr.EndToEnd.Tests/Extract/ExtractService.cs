using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Extract;

/// <summary>
/// One protected cluster with a shop and a second database, whose tables are damaged by people after a moment that is archived: one is dropped, one
/// loses its rows. Tests add databases of their own, and leave these as they are.
/// </summary>
public sealed class ExtractService : IAsyncLifetime
{
    public const string Shop = "shop";
    public const string Billing = "billing";
    public const string Password = "pa55-of-the-keeper";

    /// <summary>A table whose name is anything but plain, in a schema whose name is not either.</summary>
    public const string OddTable = "\"Odd \"\"Schema\"\"\".\"order.Items $1 (*)\nof 'today'\"";

    const string Tables = $""""
        CREATE ROLE clerk LOGIN; CREATE ROLE keeper LOGIN PASSWORD '{Password}';
        CREATE TYPE mood AS ENUM ('sad', 'glad');
        CREATE TABLE customers (id int PRIMARY KEY, name text);
        INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 500) i;
        CREATE TABLE orders (id serial PRIMARY KEY, customer int NOT NULL REFERENCES customers, note text UNIQUE, mood mood DEFAULT 'glad', data bytea);
        ALTER TABLE orders OWNER TO clerk; GRANT SELECT ON orders TO keeper; COMMENT ON TABLE orders IS 'what was ordered';
        INSERT INTO orders (customer, note, data) SELECT 1 + i % 500, 'order ' || i, decode(md5(i::text), 'hex') FROM generate_series(1, 5000) i;
        CREATE TABLE events (at date NOT NULL, what text) PARTITION BY RANGE (at);
        CREATE SCHEMA archive; CREATE TABLE archive.events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY RANGE (at);
        CREATE TABLE events_2026_h1 PARTITION OF events_2026 FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
        CREATE INDEX ON events (at);
        INSERT INTO events SELECT date '2025-06-01' + i, 'event ' || i FROM generate_series(1, 300) i;
        CREATE SCHEMA "Odd ""Schema"""; CREATE TABLE {OddTable} (id int, "Some Column" text); INSERT INTO {OddTable} SELECT i, E'a\\b\tc\n' || i FROM generate_series(1, 100) i;
        CREATE SCHEMA sales; CREATE TABLE sales.targets (year int PRIMARY KEY, amount numeric); INSERT INTO sales.targets VALUES (2025, 10.5), (2026, 12.25);
        CREATE VIEW sales.best AS SELECT max(amount) AS amount FROM sales.targets;
        CREATE FUNCTION sales.twice(n numeric) RETURNS numeric LANGUAGE sql AS 'SELECT 2 * n';
        """";

    ProtectedCluster? _cluster;

    internal ProtectedCluster Cluster => _cluster!;

    internal PitrHost Host => Cluster.Host;

    internal BinDirectory Programs => Cluster.Cluster.BinDirectory;

    /// <summary>The moment before anything went wrong.</summary>
    internal string Then { get; private set; } = "";

    /// <summary>What the tables held then.</summary>
    internal string Orders { get; private set; } = "";

    internal string Events { get; private set; } = "";

    internal string OddRows { get; private set; } = "";

    public async Task InitializeAsync()
    {
        _cluster = await ProtectedCluster.CreateAsync(settings: [("autovacuum", "off")]);
        // Who is asked for a password, and gets in with it only; everybody else is trusted.
        var hba = Path.Combine(Cluster.Cluster.DataDirectory, "pg_hba.conf");
        await File.WriteAllTextAsync(hba, "local all keeper scram-sha-256\n" + await File.ReadAllTextAsync(hba));
        await Cluster.ExecuteAsync("SELECT pg_reload_conf()");
        await Cluster.ExecuteAsync($"CREATE DATABASE {Shop}");
        await Cluster.ExecuteAsync($"CREATE DATABASE {Billing}");
        await ExecuteAsync(Shop, Tables);
        await ExecuteAsync(Billing, "CREATE TABLE invoices (id int); INSERT INTO invoices VALUES (1); CREATE TABLE customers (id int)");
        await Cluster.BackupAsync();
        await ExecuteAsync(Shop, "UPDATE orders SET note = note || '!' WHERE id % 7 = 0; INSERT INTO orders (customer, note) VALUES (1, 'the last one')");
        Orders = await ContentAsync(Shop, "orders");
        Events = await ContentAsync(Shop, "events");
        OddRows = await ContentAsync(Shop, OddTable);
        Then = await Cluster.ScalarAsync<string>("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        await ExecuteAsync(Shop, "DROP TABLE orders; DELETE FROM events; DELETE FROM customers WHERE id > 100; DROP SCHEMA sales CASCADE");
        await Cluster.ArchiveEverythingAsync();
    }

    /// <summary>Rows and their number, in an order of their own.</summary>
    internal Task<string> ContentAsync(string database, string table) =>
        ScalarAsync<string>(database, $"SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")), '') FROM {table} t");

    internal async Task<T> ScalarAsync<T>(string database, string sql)
    {
        await using var connection = await OpenAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    internal async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = await OpenAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>An empty database.</summary>
    internal async Task<string> NewDatabaseAsync(string name)
    {
        await Cluster.ExecuteAsync($"CREATE DATABASE {name} TEMPLATE template0");
        return name;
    }

    /// <summary>`pitr extract main`, as the shop was before anything went wrong.</summary>
    internal Task<ProgramRun> ExtractAsync(params string[] arguments) => Host.RunAsync(Arguments(arguments));

    internal string[] Arguments(params string[] arguments) => ["extract", PitrHost.Service, "--target-time", Then, .. arguments];

    /// <summary>Runs one of PostgreSQL's client programs against the cluster.</summary>
    internal Task<ProgramRun> ClientAsync(string program, params string[] arguments) => ProgramRun.RunAsync(
        Programs.Program(program), ["--host", Cluster.Cluster.SocketDirectory, "--port", $"{Cluster.Cluster.Server.Port}", "--username", "postgres", .. arguments]);

    /// <summary>Fails the test if anything is left of an extract: files, servers, programs.</summary>
    internal void RequireNothingLeft()
    {
        var scratch = Path.Combine(Host.StateDirectory, "services", PitrHost.Service, "extract");
        Assert.False(Directory.Exists(scratch), $"{scratch} is left");
        Assert.Empty(Processes.Find("postgres", scratch));
        // Other tests dump and restore meanwhile; which server one talks to is in its environment.
        Assert.Empty(Processes.FindWith("pitr-extract-", "pg_dump"));
        Assert.Empty(Processes.FindWith(Cluster.Cluster.SocketDirectory, "pg_restore"));
    }

    async Task<NpgsqlConnection> OpenAsync(string database)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(Cluster.Cluster.ConnectionString(database)) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class ExtractServiceCollection : ICollectionFixture<ExtractService>
{
    public const string Name = "extract service";
}
