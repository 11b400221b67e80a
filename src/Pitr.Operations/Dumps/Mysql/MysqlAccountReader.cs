using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Mysql;

/// <summary>Reads users, roles and what they may do, by SHOW CREATE USER and SHOW GRANTS of each; one that cannot be shown is named, and the others are read all the same.</summary>
/// <param name="tools">How to ask.</param>
/// <param name="isMariaDb">Whether the server is MariaDB, which has roles of its own kind; else MySQL, whose roles are users.</param>
sealed class MysqlAccountReader(MysqlTools tools, bool isMariaDb)
{
    const string Role = "Y";

    // The role that every account of MariaDB has from 10.11 on.
    const string Public = "PUBLIC";

    // Plain statements whatever the server's mode is, and hashes without bytes that are no text (a comment to MariaDB).
    const string Plainly = "SET SESSION sql_mode = '', sql_quote_show_create = 1; /*!80017 SET SESSION print_identified_with_as_hex = ON */;";

    /// <summary>Reads them.</summary>
    /// <returns>The stream.</returns>
    /// <exception cref="ServerException">The server has gone.</exception>
    public async Task<MemoryFeed> ReadAsync(CancellationToken cancellation)
    {
        var (accounts, messages) = (new List<MysqlAccount>(), new List<string>());
        try
        {
            var hidden = new List<(string Account, string Reason)>();
            foreach (var (user, host, isRole) in await ListAsync(cancellation))
            {
                try
                {
                    if (await ShowAsync(user, host, isRole, cancellation) is { } account)
                    {
                        accounts.Add(account);
                    }
                    else
                    {
                        hidden.Add((MysqlAccount.NameOf(user, host), "it shows nothing"));
                    }
                }
                catch (ServerException e) when (IsAnswer(e))
                {
                    hidden.Add((MysqlAccount.NameOf(user, host), MysqlTools.ErrorOf(e.Message)));
                }
            }

            messages.AddRange(hidden.GroupBy(h => h.Reason, StringComparer.Ordinal).Select(g => $"not in the dump, because the server cannot show it: account {string.Join(", ", g.Select(h => h.Account))}: {g.Key}"));
        }
        catch (ServerException e) when (IsAnswer(e))
        {
            messages.Add($"no accounts are in the dump: {MysqlTools.ErrorOf(e.Message)}: grant SELECT on the database mysql to the user of the service");
        }

        return new MemoryFeed(MysqlAccounts.ToJson(accounts), messages, new Dictionary<string, long>(StringComparer.Ordinal) { ["accounts"] = accounts.Count });
    }

    /// <summary>Which accounts there are.</summary>
    /// <exception cref="ServerException">The server cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyList<(string User, string Host, bool IsRole)>> ListAsync(CancellationToken cancellation)
    {
        var rows = await tools.QueryAsync($"SELECT user, host, {(isMariaDb ? "is_role" : "'N'")} FROM mysql.user ORDER BY user, host", cancellation);
        return [.. rows.Select(row => (row[0], row[1], row[2] == Role))];
    }

    async Task<MysqlAccount?> ShowAsync(string user, string host, bool isRole, CancellationToken cancellation)
    {
        if (isRole)
        {
            var name = user == Public ? Public : MysqlTools.Identifier(user);
            var grants = await tools.QueryAsync($"{Plainly} SHOW GRANTS FOR {name}", cancellation);
            // Those of the roles that were given to it are shown as well, and are theirs.
            return new MysqlAccount(user, host, user == Public ? null : $"CREATE ROLE {name}", [.. grants.Select(row => row[0]).Where(grant => grant.Contains($" TO {name}", StringComparison.Ordinal))]);
        }

        var account = MysqlAccount.NameOf(user, host);
        var rows = await tools.QueryAsync($"{Plainly} SHOW CREATE USER {account}; SHOW GRANTS FOR {account}", cancellation);
        return rows.Count > 0 ? new MysqlAccount(user, host, rows[0][0], [.. rows.Skip(1).Select(row => row[0])]) : null;
    }

    // Not one of the client, which has lost the server: those have numbers from 2000 to 2999.
    static bool IsAnswer(ServerException e) => MysqlTools.ErrorOf(e.Message) is var error && error.StartsWith("ERROR ", StringComparison.Ordinal) && !error.StartsWith("ERROR 2", StringComparison.Ordinal);
}
