using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A real MariaDB server for all tests that dump it: the one that <c>PITR_TEST_MARIADB_*</c> describe, else one of its own. Each test has databases of its own.</summary>
public sealed class MariaDbServer : IAsyncLifetime
{
    readonly TestDirectory _directory = new();
    StorageServer? _server;

    internal StorageServer Server => _server!;

    /// <summary>Keys of a service that dumps databases of this server.</summary>
    internal string Service(params string[] databases) => ServiceWith(_directory["password"], databases);

    internal string ServiceWith(string passwordFile, params string[] databases) => $"""
        kind: mysql
        host: {Server["MARIADB_HOST"]}
        port: {Server["MARIADB_PORT"]}
        user: {Server["MARIADB_USER"]}
        password: file:{passwordFile}
        databases: [{string.Join(", ", databases)}]
        """;

    public async Task InitializeAsync()
    {
        _server = await StorageServer.StartAsync("mariadb", "MARIADB_");
        DumpedCluster.WritePassword(_directory["password"], Server["MARIADB_PASSWORD"]);
    }

    /// <summary>Runs SQL and gives what it answers, without headings.</summary>
    internal async Task<string> SqlAsync(string sql) => (await ProgramRun.RunAsync(
        "/usr/bin/mariadb",
        ["--no-defaults", $"--host={Server["MARIADB_HOST"]}", $"--port={Server["MARIADB_PORT"]}", $"--user={Server["MARIADB_USER"]}", "--batch", "--skip-column-names", "--default-character-set=utf8mb4", $"--execute={sql}"],
        new Dictionary<string, string> { ["MYSQL_PWD"] = Server["MARIADB_PASSWORD"] })).Must().Output.Trim();

    /// <summary>Makes a database with tables, a routine, an event, a trigger, and bytes that no text has.</summary>
    internal async Task MakeAsync(string database, int rows)
    {
        await SqlAsync($"""
            CREATE DATABASE {database} CHARACTER SET latin1 COLLATE latin1_german1_ci;
            CREATE TABLE {database}.customers (id int PRIMARY KEY, name varchar(100) CHARACTER SET utf8mb4, picture blob) ENGINE=InnoDB;
            CREATE TABLE {database}.changes (id int AUTO_INCREMENT PRIMARY KEY, what int) ENGINE=InnoDB;
            USE {database};
            CREATE TRIGGER noted AFTER UPDATE ON customers FOR EACH ROW INSERT INTO changes (what) VALUES (new.id);
            CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1;
            CREATE EVENT daily ON SCHEDULE EVERY 1 DAY DO DELETE FROM changes;
            INSERT INTO {database}.customers VALUES (0, 'Zoë 王', UNHEX('000A0D1A5C2700FF'));
            SET max_recursive_iterations = {rows + 1};
            INSERT INTO {database}.customers
            WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < {rows})
            SELECT seq, CONCAT('customer ', seq), RANDOM_BYTES(600) FROM n;
            """);
    }

    /// <summary>A digest of what the database holds.</summary>
    internal Task<string> ContentAsync(string database) => SqlAsync($"SET SESSION group_concat_max_len = 1 << 28; SELECT COUNT(*), MD5(GROUP_CONCAT(id, name, MD5(picture) ORDER BY id)) FROM {database}.customers");

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _directory.Dispose();
    }
}
