using Npgsql;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>A database of a server, and what has to be said to make one like it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">What it takes on disk.</param>
/// <param name="Options">Options of CREATE DATABASE, by name: ENCODING, LC_COLLATE, LC_CTYPE, and where it has one LOCALE_PROVIDER, ICU_LOCALE or BUILTIN_LOCALE.</param>
public sealed record ServerDatabase(string Name, long Bytes, IReadOnlyDictionary<string, string> Options)
{
    const string Encoding = "ENCODING";
    const string Collate = "LC_COLLATE";
    const string CType = "LC_CTYPE";
    const string Provider = "LOCALE_PROVIDER";
    const string IcuLocale = "ICU_LOCALE";
    const string BuiltinLocale = "BUILTIN_LOCALE";

    static readonly string[] Known = [Encoding, Collate, CType, Provider, IcuLocale, BuiltinLocale];

    /// <summary>The databases that people use, by name.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<IReadOnlyList<ServerDatabase>> ReadAllAsync(PostgresSession session, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        // Columns that not every version has are asked of the row as JSON.
        const string sql = """
            SELECT datname::text, pg_database_size(oid), pg_encoding_to_char(encoding)::text, datcollate::text, datctype::text,
                   coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'), coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
            FROM pg_database d WHERE datallowconn AND NOT datistemplate ORDER BY datname
            """;
        return await session.QueryAsync(sql, [], Read, cancellationToken);
    }

    /// <summary>Makes a database out of template0.</summary>
    /// <param name="session">A session of the server.</param>
    /// <param name="name">Its name.</param>
    /// <param name="options">As in <see cref="Options"/>; others are passed over.</param>
    /// <exception cref="ServerException">The server refuses.</exception>
    public static async Task CreateAsync(PostgresSession session, string name, IReadOnlyDictionary<string, string> options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        var with = Known.Where(options.ContainsKey).Select(option => $" {option} = '{options[option].Replace("'", "''", StringComparison.Ordinal)}'");
        await session.QueryAsync($"CREATE DATABASE {SqlText.Identifier(name)} TEMPLATE template0{string.Concat(with)}", [], _ => 0, cancellationToken);
    }

    /// <summary>Removes a database.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public static Task DropAsync(PostgresSession session, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.QueryAsync($"DROP DATABASE IF EXISTS {SqlText.Identifier(name)}", [], _ => 0, cancellationToken);
    }

    static ServerDatabase Read(NpgsqlDataReader row)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal) { [Encoding] = row.GetString(2), [Collate] = row.GetString(3), [CType] = row.GetString(4) };
        var locale = row.IsDBNull(6) ? null : row.GetString(6);
        if (row.GetString(5) == "i" && locale is not null)
        {
            (options[Provider], options[IcuLocale]) = ("icu", locale);
        }
        else if (row.GetString(5) == "b" && locale is not null)
        {
            (options[Provider], options[BuiltinLocale]) = ("builtin", locale);
        }

        return new ServerDatabase(row.GetString(0), row.GetInt64(1), options);
    }
}
