using System.Text;
using Pitr.Format;
using Pitr.Operations.Dumps.Mysql;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>The stream with the accounts of a MySQL or MariaDB server.</summary>
public sealed class MysqlAccountsTests
{
    static readonly MysqlAccount[] Accounts =
    [
        new("o'neil `x`", "%", "CREATE USER `o'neil ``x```@`%` IDENTIFIED BY PASSWORD '*00'", ["GRANT USAGE ON *.* TO `o'neil ``x```@`%`"]),
        new("reader", "", "CREATE ROLE `reader`", []),
        new("PUBLIC", "", null, ["GRANT SELECT ON `d`.* TO PUBLIC"]),
    ];

    [Fact]
    public void It_reads_back_as_it_was_written()
    {
        var back = MysqlAccounts.Parse(MysqlAccounts.ToJson(Accounts));

        Assert.Equal(Accounts.Select(a => (a.User, a.Host, a.Create)), back.Accounts.Select(a => (a.User, a.Host, a.Create)));
        Assert.Equal(Accounts.SelectMany(a => a.Grants), back.Accounts.SelectMany(a => a.Grants));
        Assert.Equal("`o'neil ``x```@`%`", back.Accounts[0].Name);
        Assert.Equal("`reader`", back.Accounts[1].Name);
    }

    [Fact]
    public void The_same_accounts_never_make_the_same_stream() => Assert.NotEqual(MysqlAccounts.ToJson(Accounts), MysqlAccounts.ToJson(Accounts));

    [Fact]
    public void One_that_is_cut_short_or_newer_is_refused()
    {
        var json = MysqlAccounts.ToJson(Accounts);
        for (var length = 0; length < json.Length; length += 7)
        {
            Assert.Throws<DamagedObjectException>(() => MysqlAccounts.Parse(json.AsSpan(0, length)));
        }

        Assert.Throws<UnsupportedFormatException>(() => MysqlAccounts.Parse(Encoding.UTF8.GetBytes("""{"format": 2, "salt": "", "accounts": []}""")));
    }

    [Theory]
    [InlineData("ERROR 1064 (42000) at line 2: You have an error in your SQL syntax near 'BY PASSWORD '*HASH'' at line 1", "ERROR 1064 (42000) at line 2: You have an error in your SQL syntax")]
    [InlineData("the server at db:3306 does not answer: ERROR 1133 (28000) at line 1: Can't find any matching row", "ERROR 1133 (28000) at line 1: Can't find any matching row")]
    [InlineData("no error at all", "no error at all")]
    public void What_a_server_quotes_is_left_out(string message, string shown) => Assert.Equal(shown, MysqlTools.ErrorOf(message));
}
