using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Mysql;

/// <summary>Makes the accounts that are not there. Those that are stay as they are, with what they may do.</summary>
/// <param name="tools">How to reach the server.</param>
/// <param name="reader">Says which there are.</param>
sealed class MysqlAccountRestore(MysqlTools tools, MysqlAccountReader reader)
{
    /// <summary>Makes them, then grants.</summary>
    /// <returns>What stays as it was, and what could not be granted.</returns>
    /// <exception cref="ServerException">One could not be made; those that were are gone again.</exception>
    public async Task<IReadOnlyList<string>> RunAsync(MysqlAccounts dumped, CancellationToken cancellation)
    {
        var present = (await reader.ListAsync(cancellation)).Select(a => (a.User, a.Host)).ToHashSet();
        var missing = dumped.Accounts.Where(a => !present.Contains((a.User, a.Host))).ToArray();
        var messages = new List<string>();
        if (dumped.Accounts.Where(a => present.Contains((a.User, a.Host))).Select(a => a.Name).ToArray() is { Length: > 0 } stay)
        {
            messages.Add($"accounts that are there already stay as they are: {string.Join(", ", stay)}");
        }

        var made = new List<MysqlAccount>();
        try
        {
            await MakeAsync([.. missing.Where(a => a.Create is not null)], made, cancellation);
        }
        catch
        {
            // They were not there when this command began. Whatever fails here must not hide why.
            await tools.RunAsync(made.Select(a => $"DROP {(a.Host.Length == 0 ? "ROLE" : "USER")} {a.Name}"), goOn: true, CancellationToken.None);
            throw;
        }

        foreach (var account in missing.Where(a => a.Grants.Count > 0))
        {
            var (code, said) = await tools.RunAsync(account.Grants, goOn: true, cancellation);
            messages.AddRange(said.Select(error => $"account {account.Name} lacks something it had: {error}"));
            if (code != 0 && said.Count == 0)
            {
                throw new ServerException($"the client failed with code {code} while it granted to {account.Name}", "the accounts are there; grant again what they lack");
            }
        }

        return messages;
    }

    // A user whose default role is not there yet cannot be made (MySQL): so again, as long as that makes more.
    async Task MakeAsync(List<MysqlAccount> pending, List<MysqlAccount> made, CancellationToken cancellation)
    {
        while (pending.Count > 0)
        {
            var failed = new List<(MysqlAccount Account, string Error)>();
            foreach (var account in pending)
            {
                var (code, said) = await tools.RunAsync([account.Create!], goOn: false, cancellation);
                if (code == 0)
                {
                    made.Add(account);
                }
                else
                {
                    failed.Add((account, string.Join(' ', said)));
                }
            }

            if (failed.Count == pending.Count)
            {
                throw new ServerException(
                    $"account {failed[0].Account.Name} could not be made, and those that were are gone again: {failed[0].Error}", "the user of the service needs CREATE USER, and WITH GRANT OPTION what it grants");
            }

            pending = [.. failed.Select(f => f.Account)];
        }
    }
}
