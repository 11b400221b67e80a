namespace Pitr.Operations.Dumps.Mysql;

/// <summary>An account of a MySQL or MariaDB server: a user or a role.</summary>
/// <param name="User">Name of the user or role; empty for the anonymous one.</param>
/// <param name="Host">From where it may log in; empty for a role of MariaDB.</param>
/// <param name="Create">The statement that makes it, password hash included; null for what every server has.</param>
/// <param name="Grants">The statements that give it what it may do.</param>
sealed record MysqlAccount(string User, string Host, string? Create, IReadOnlyList<string> Grants)
{
    /// <summary>As statements name it.</summary>
    public string Name => NameOf(User, Host);

    /// <summary>As statements name an account.</summary>
    public static string NameOf(string user, string host) => host.Length == 0 ? MysqlTools.Identifier(user) : $"{MysqlTools.Identifier(user)}@{MysqlTools.Identifier(host)}";
}
