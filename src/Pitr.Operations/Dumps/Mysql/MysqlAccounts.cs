using System.Security.Cryptography;
using System.Text.Json;
using Pitr.Format;

namespace Pitr.Operations.Dumps.Mysql;

/// <summary>The stream of format "mysql-accounts": users and roles, with what makes them anew.</summary>
/// <param name="Format">1.</param>
/// <param name="Salt">Random: the SHA-256 of a stream stands in the clear, and nobody shall confirm a guess of a password by it.</param>
/// <param name="Accounts">In order of their names.</param>
sealed record MysqlAccounts(int Format, string Salt, IReadOnlyList<MysqlAccount> Accounts)
{
    /// <summary>The format as the catalog writes it.</summary>
    public const string FormatName = "mysql-accounts";

    const int SaltLength = 32;

    /// <summary>Writes it.</summary>
    public static byte[] ToJson(IReadOnlyList<MysqlAccount> accounts) => JsonSerializer.SerializeToUtf8Bytes(
        new MysqlAccounts(1, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SaltLength)), accounts), MysqlAccountsJson.Default.MysqlAccounts);

    /// <summary>Reads it.</summary>
    /// <exception cref="DamagedObjectException">It is none.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static MysqlAccounts Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return JsonSerializer.Deserialize(utf8, MysqlAccountsJson.Default.MysqlAccounts) switch
            {
                null => throw new DamagedObjectException("the accounts are empty"),
                { Format: > 1 and var format } => throw new UnsupportedFormatException($"the accounts have format {format}, this program supports up to 1: use a newer pitr"),
                var accounts => accounts,
            };
        }
        catch (JsonException e)
        {
            throw new DamagedObjectException($"the accounts are damaged in line {e.LineNumber}", e);
        }
    }
}
