using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Dumps;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Groups;

/// <summary>
/// A host with a group of two services, db (postgres-dump) and shop (mysql), which comes after db, and applications that are a script. Disposing drops whatever the servers have of this group's databases.
/// </summary>
sealed class GroupHost : IAsyncDisposable
{
    readonly TestDirectory _directory = new();
    readonly DumpedCluster _cluster;
    readonly MariaDbServer _server;
    readonly GroupApplications _applications;

    GroupHost(DumpedCluster cluster, MariaDbServer server, string name)
    {
        (_cluster, _server, Database) = (cluster, server, name);
        _applications = new GroupApplications(_directory);
        Host = new PitrHost(_directory.New("host"), _directory.New("repository"));
    }

    public PitrHost Host { get; }

    /// <summary>Name of the database on either server.</summary>
    public string Database { get; }

    /// <summary>What the applications were told, one word a line.</summary>
    public string[] Told => _applications.Told;

    public string this[string file] => _directory[file];

    public static async Task<GroupHost> CreateAsync(DumpedCluster cluster, MariaDbServer server, string name)
    {
        var made = new GroupHost(cluster, server, name);
        try
        {
            await made.MakeAsync();
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    async Task MakeAsync()
    {
        await _cluster.ExecuteAsync("postgres", $"CREATE DATABASE {Database} TEMPLATE template0");
        await _cluster.ExecuteAsync("postgres", $"""
            ALTER DATABASE {Database} OWNER TO clerk; REVOKE ALL ON DATABASE {Database} FROM PUBLIC; GRANT CONNECT ON DATABASE {Database} TO dumper;
            ALTER DATABASE {Database} SET search_path = "$user", sales, public; ALTER DATABASE {Database} CONNECTION LIMIT 17; COMMENT ON DATABASE {Database} IS 'it''s ours'
            """);
        await _cluster.ExecuteAsync(Database, "CREATE TABLE notes (id serial PRIMARY KEY, note text); INSERT INTO notes (note) VALUES ('backed up')");
        await _server.MakeAsync(Database, 20);
        await _server.SqlAsync($"USE {Database}; CREATE VIEW named AS SELECT id, name, one() AS one FROM customers; CREATE VIEW above AS SELECT name FROM named; CREATE TABLE orders (id int PRIMARY KEY, customer int, FOREIGN KEY (customer) REFERENCES customers (id)); INSERT INTO orders VALUES (1, 1)");
        _applications.Make();
        DumpedCluster.WritePassword(this["password-db"], DumpedCluster.Password);
        DumpedCluster.WritePassword(this["password-shop"], _server.Server["MARIADB_PASSWORD"]);
        Configure();
        (await RunAsync("key", "new", "--identity", Host.IdentityFile, "--recipient", Path.Combine(Host.Directory, "recipient.pem"))).Must();
        (await RunAsync("repo", "init", "local")).Must();
    }

    /// <summary>Writes the configuration anew.</summary>
    /// <param name="more">More services.</param>
    public void Configure(string more = "") => File.WriteAllText(
        Host.ConfigurationFile,
        $$"""
        state-directory: {{Host.StateDirectory}}
        agent: { socket: {{Host.Socket}} }
        repositories:
          local: { url: "file://{{Host.Repository}}", retry: { deadline: 1s } }
        encryption:
          recipients: [{{Path.Combine(Host.Directory, "recipient.pem")}}]
          identity: {{Host.IdentityFile}}
        applications:
          stop-command: [{{this["app"]}}, stop]
          start-command: {{this["app"]}} start
          health-check: [{{this["app"]}}, check]
          timeout: 60s
        services:
          shop:
            after: [db]
            repositories: [local]
            applications: { stop-command: {{this["app"]}} stop-shop, start-command: {{this["app"]}} start-shop, health-check: {{this["app"]}} check-shop, timeout: 3s }
            {{_server.ServiceWith(this["password-shop"], Database).ReplaceLineEndings("\n    ")}}
          db:
            repositories: [local]
            kind: postgres-dump
            connection: "Host={{_cluster.Cluster.SocketDirectory}};Port={{_cluster.Cluster.Server.Port}};Username=dumper;Database=postgres"
            password: file:{{this["password-db"]}}
            databases: [{{Database}}]
        {{more}}

        """);

    public Task<ProgramRun> RunAsync(params string[] arguments) => Host.RunAsync(arguments);

    public void Touch(string file, string content = "") => File.WriteAllText(this[file], content);

    /// <summary>Something happens after the backup, on both servers.</summary>
    public async Task ChangeAsync()
    {
        await _cluster.ExecuteAsync(Database, "INSERT INTO notes (note) VALUES ('later')");
        await _server.SqlAsync($"USE {Database}; UPDATE customers SET name = 'later' WHERE id = 1; DROP FUNCTION one; CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 2; CREATE TABLE later (id int); INSERT INTO later VALUES (7)");
    }

    /// <summary>All that both databases hold and are, as one text.</summary>
    public async Task<string> StateAsync()
    {
        var notes = await _cluster.ContentAsync(Database, "public.notes");
        var facts = await _cluster.ScalarAsync<string>("postgres", $"""
            SELECT pg_get_userbyid(datdba) || ' ' || datacl::text || ' ' || datconnlimit || ' ' || shobj_description(oid, 'pg_database') || ' ' || datallowconn
                   || (SELECT setconfig::text FROM pg_db_role_setting WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = '{Database}'
            """);
        var tables = await _server.SqlAsync($"SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = '{Database}' ORDER BY table_name");
        var code = await _server.SqlAsync($"""
            SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = '{Database}';
            SELECT trigger_name, event_object_table, definer FROM information_schema.triggers WHERE trigger_schema = '{Database}';
            SELECT event_name, status, interval_value, starts FROM information_schema.events WHERE event_schema = '{Database}';
            SELECT constraint_name, table_name, referenced_table_name FROM information_schema.referential_constraints WHERE constraint_schema = '{Database}' AND unique_constraint_schema = '{Database}';
            SELECT {Database}.one(), (SELECT GROUP_CONCAT(name ORDER BY name) FROM {Database}.above), (SELECT MAX(one) FROM {Database}.named);
            """);
        return string.Join('\n', notes, facts, tables, code, await _server.ContentAsync(Database));
    }

    /// <summary>Databases of this group besides the two: PostgreSQL's and MariaDB's.</summary>
    public async Task<(string[] Db, string[] Shop)> AsideAsync()
    {
        var db = await _cluster.ScalarAsync<string>("postgres", $"SELECT coalesce(string_agg(datname, ',' ORDER BY datname), '') FROM pg_database WHERE datname LIKE '{Database}\\_%'");
        var shop = await _server.SqlAsync($"SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '{Database}\\_%' ORDER BY schema_name");
        return (db.Split(',', StringSplitOptions.RemoveEmptyEntries), shop.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Fails the test unless nothing is kept or left over anywhere.</summary>
    public async Task RequireNothingAsideAsync()
    {
        var (db, shop) = await AsideAsync();
        Assert.Empty(db);
        Assert.Empty(shop);
        Assert.False(File.Exists(Path.Combine(Host.StateDirectory, "groups", "restore.json")));
    }

    /// <summary>Waits until the applications are told something.</summary>
    public Task AwaitToldAsync(string word) => _applications.AwaitToldAsync(word);

    public async ValueTask DisposeAsync()
    {
        _applications.Release();
        var (db, shop) = await AsideAsync();
        foreach (var name in db.Append(Database))
        {
            await _cluster.ExecuteAsync("postgres", $"DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
        }

        foreach (var name in shop.Append(Database))
        {
            await _server.SqlAsync($"DROP DATABASE IF EXISTS `{name}`");
        }

        _directory.Dispose();
    }
}
