using System.Globalization;
using Npgsql;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>Gives databases of a server other names, with everybody kept out meanwhile. The session must be in another database.</summary>
public static class DatabaseSwap
{
    const string SessionsInside = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";

    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Whether there is a database of this name.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<bool> ExistsAsync(PostgresSession session, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return (await session.QueryAsync("SELECT 1 FROM pg_database WHERE datname = $1", [Text(name)], _ => 0, cancellationToken)).Count > 0;
    }

    /// <summary>Why a database could not be renamed, as far as that can be known before; null when nothing speaks against it.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<string?> WhyNotAsync(PostgresSession session, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        const string sql = """
            SELECT (SELECT rolsuper OR (rolcreatedb AND pg_has_role(d.datdba, 'USAGE') AND pg_has_role('pg_signal_backend', 'USAGE')) FROM pg_roles WHERE rolname = current_user),
                   EXISTS (SELECT FROM pg_prepared_xacts WHERE database = d.datname),
                   EXISTS (SELECT FROM pg_subscription WHERE subdbid = d.oid)
            FROM pg_database d WHERE datname = $1
            """;
        var rows = await session.QueryAsync(sql, [Text(name)], row => (MayRename: row.GetBoolean(0), Prepared: row.GetBoolean(1), Subscribes: row.GetBoolean(2)), cancellationToken);
        return rows switch
        {
            [{ MayRename: false }] => "the role of the connection may not rename it: that takes a superuser, or its owner with CREATEDB and pg_signal_backend",
            [{ Prepared: true }] => "it has prepared transactions, which keep it from being renamed: COMMIT PREPARED or ROLLBACK PREPARED (pg_prepared_xacts)",
            [{ Subscribes: true }] => "it has subscriptions, whose workers keep it from being renamed: ALTER SUBSCRIPTION … DISABLE does not suffice, drop them first (pg_subscription)",
            _ => null,
        };
    }

    /// <summary>Keeps everybody out of a database, ends their sessions, and gives it another name.</summary>
    /// <param name="session">A session in another database.</param>
    /// <param name="from">The name it has.</param>
    /// <param name="to">The name it gets.</param>
    /// <param name="isOpen">Whether it takes connections afterwards.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ServerException">The server refuses, or sessions do not end.</exception>
    public static async Task RenameAsync(PostgresSession session, string from, string to, bool isOpen, CancellationToken cancellationToken = default)
    {
        await SetOpenAsync(session, from, isOpen: false, cancellationToken);
        await EndAsync(session, SessionsInside, from, $"in database {from}", cancellationToken);
        await ExecuteAsync(session, $"ALTER DATABASE {SqlText.Identifier(from)} RENAME TO {SqlText.Identifier(to)}", cancellationToken);
        await SetOpenAsync(session, to, isOpen, cancellationToken);
    }

    /// <summary>Says whether a database takes connections.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public static Task SetOpenAsync(PostgresSession session, string name, bool isOpen, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return ExecuteAsync(session, $"ALTER DATABASE {SqlText.Identifier(name)} WITH ALLOW_CONNECTIONS {(isOpen ? "true" : "false")}", cancellationToken);
    }

    /// <summary>Removes a database for good, sessions in it or not.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public static async Task DropAsync(PostgresSession session, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        // The server goes on making it for a client that was killed, and it would be there afterwards.
        await EndAsync(
            session,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'active' AND query LIKE 'CREATE DATABASE %' AND strpos(query, $1) > 0",
            SqlText.Identifier(name),
            $"making database {name}",
            cancellationToken);
        if (await ExistsAsync(session, name, cancellationToken))
        {
            await SetOpenAsync(session, name, isOpen: false, cancellationToken);
            await EndAsync(session, SessionsInside, name, $"in database {name}", cancellationToken);
            await ServerDatabase.DropAsync(session, name, cancellationToken);
        }
    }

    /// <summary>Gives a database the owner, rights, settings, connection limit, tablespace and comment of another: what belongs to it as a whole, and no dump brings back.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public static async Task CopyPropertiesAsync(PostgresSession session, string from, string to, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        var target = SqlText.Identifier(to);
        const string sql = """
            SELECT pg_get_userbyid(d.datdba)::text, d.datconnlimit, d.datacl IS NOT NULL, t.spcname::text, shobj_description(d.oid, 'pg_database'),
                   (SELECT n.dattablespace FROM pg_database n WHERE n.datname = $2) <> d.dattablespace
            FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = $1
            """;
        var facts = (await session.QueryAsync(
            sql,
            [Text(from), Text(to)],
            row => (Owner: row.GetString(0), Limit: row.GetInt32(1), HasRights: row.GetBoolean(2), Tablespace: row.GetString(3), Comment: row.IsDBNull(4) ? null : row.GetString(4), Moves: row.GetBoolean(5)),
            cancellationToken))[0];
        if (facts.Moves)
        {
            await ExecuteAsync(session, $"ALTER DATABASE {target} SET TABLESPACE {SqlText.Identifier(facts.Tablespace)}", cancellationToken);
        }

        await ExecuteAsync(session, $"ALTER DATABASE {target} OWNER TO {SqlText.Identifier(facts.Owner)}", cancellationToken);
        await ExecuteAsync(session, string.Create(CultureInfo.InvariantCulture, $"ALTER DATABASE {target} CONNECTION LIMIT {facts.Limit}"), cancellationToken);
        if (facts.Comment is { } comment)
        {
            await ExecuteAsync(session, $"COMMENT ON DATABASE {target} IS {Literal(comment)}", cancellationToken);
        }

        if (facts.HasRights)
        {
            await CopyRightsAsync(session, from, target, facts.Owner, cancellationToken);
        }

        await CopySettingsAsync(session, from, target, cancellationToken);
    }

    static async Task CopyRightsAsync(PostgresSession session, string from, string target, string owner, CancellationToken cancellationToken)
    {
        await ExecuteAsync(session, $"REVOKE ALL ON DATABASE {target} FROM PUBLIC, {SqlText.Identifier(owner)}", cancellationToken);
        var rights = await session.QueryAsync(
            """
            SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee)::text END, a.privilege_type::text, a.is_grantable
            FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = $1
            """,
            [Text(from)],
            row => (Grantee: row.IsDBNull(0) ? "PUBLIC" : SqlText.Identifier(row.GetString(0)), Privilege: row.GetString(1), IsGrantable: row.GetBoolean(2)),
            cancellationToken);
        foreach (var (grantee, privilege, isGrantable) in rights)
        {
            await ExecuteAsync(session, $"GRANT {privilege} ON DATABASE {target} TO {grantee}{(isGrantable ? " WITH GRANT OPTION" : "")}", cancellationToken);
        }
    }

    static async Task CopySettingsAsync(PostgresSession session, string from, string target, CancellationToken cancellationToken)
    {
        var settings = await session.QueryAsync(
            """
            SELECT r.rolname::text, c FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c
            WHERE d.datname = $1
            """,
            [Text(from)],
            row => (Role: row.IsDBNull(0) ? null : row.GetString(0), Setting: row.GetString(1)),
            cancellationToken);
        foreach (var (role, setting) in settings)
        {
            var (name, value) = (setting[..setting.IndexOf('=', StringComparison.Ordinal)], setting[(setting.IndexOf('=', StringComparison.Ordinal) + 1)..]);
            var whose = role is null ? $"ALTER DATABASE {target}" : $"ALTER ROLE {SqlText.Identifier(role)} IN DATABASE {target}";
            // Lists like search_path are several values to SET; as the value of this transaction they are read as they were stored.
            await ExecuteAsync(session, "BEGIN", cancellationToken);
            try
            {
                await ExecuteAsync(session, $"SELECT set_config({Literal(name)}, {Literal(value)}, true)", cancellationToken);
                await ExecuteAsync(session, $"{whose} SET {name} FROM CURRENT", cancellationToken);
                await ExecuteAsync(session, "COMMIT", cancellationToken);
            }
            catch (ServerException e) when (e.SqlState is not null)
            {
                // One that no session may change is no list.
                await ExecuteAsync(session, "ROLLBACK", cancellationToken);
                await ExecuteAsync(session, $"{whose} SET {name} TO {Literal(value)}", cancellationToken);
            }
        }
    }

    // Ends sessions until there are none.
    static async Task EndAsync(PostgresSession session, string sql, string parameter, string which, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while ((await session.QueryAsync(sql, [Text(parameter)], row => row.GetInt64(0), cancellationToken))[0] is > 0 and var left)
        {
            if (TimeProvider.System.GetElapsedTime(began) > Patience)
            {
                throw new ServerException($"{left} sessions {which} on {session.Server} did not end within {Patience.TotalSeconds:0} s", "SELECT * FROM pg_stat_activity says whose they are");
            }

            await Task.Delay(Poll, cancellationToken);
        }
    }

    static Task ExecuteAsync(PostgresSession session, string sql, CancellationToken cancellationToken) => session.QueryAsync(sql, [], _ => 0, cancellationToken);

    static NpgsqlParameter Text(string value) => new() { Value = value };

    // E'…' means the same whatever standard_conforming_strings says.
    static string Literal(string text) => $"E'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";
}
