using Pitr.Operations.Drill;
using Pitr.Operations.Drill.Dumps;
using Pitr.Postgres;

namespace Pitr.Operations.Tests.Drill.Dumps;

/// <summary>Answers as the clients of Redis and MySQL write them.</summary>
public sealed class AnswerTests
{
    [Theory]
    [InlineData("\"gr\\xc3\\xbc\\xc3\\x9f \\\"Gott\\\"\\n\\\\\"", "grüß \"Gott\"\n\\")]
    [InlineData("(integer) -5", "-5")]
    [InlineData("(double) 1.5", "1.5")]
    [InlineData("(nil)", null)]
    [InlineData("\"\"", "")]
    [InlineData("\"(nil)\"", "(nil)")]
    [InlineData("OK", "OK")]
    [InlineData("\"hello\"\n(0.73s)", "hello")]
    [InlineData("(nil)\n(12.05s)", null)]
    public void A_simple_reply_is_a_value(string shown, string? value) => Assert.Equal(new SqlAnswer(1, 1, value), RedisReply.Read(shown));

    [Theory]
    [InlineData("1) \"a\"\n2) \"1) b\"\n3) (nil)", 3)]
    [InlineData("1) 1) \"a\"\n   2) \"b\"\n2) 1) \"c\"\n   2) \"d\"", 2)]
    [InlineData(" 1) \"a\"\n 2) \"b\"\n 3) \"c\"\n 4) \"d\"\n 5) \"e\"\n 6) \"f\"\n 7) \"g\"\n 8) \"h\"\n 9) \"i\"\n10) \"j\"", 10)]
    [InlineData("1# \"a\" => \"1\"\n2# \"b\" => \"2\"", 2)]
    [InlineData("(empty array)", 0)]
    public void A_list_is_its_elements(string shown, long rows) => Assert.Equal(new SqlAnswer(1, rows, null), RedisReply.Read(shown));

    [Theory]
    [InlineData("(error) ERR unknown command 'NONSENSE'", "ERR unknown command 'NONSENSE'")]
    [InlineData("Invalid argument(s)", "the quotes of the command do not match")]
    public void An_error_is_one(string shown, string message) => Assert.Equal(message, Assert.Throws<ServerException>(() => RedisReply.Read(shown)).Message);

    [Fact]
    public void The_clients_xml_tells_null_from_the_text_and_several_from_one()
    {
        Assert.Equal(new SqlAnswer(1, 1, "NULL & <b>"), MysqlScratch.Read(Result(Row(Field("x", "NULL &amp; &lt;b&gt;")))));
        Assert.Equal(new SqlAnswer(1, 1, null), MysqlScratch.Read(Result(Row("\t<field name=\"x\" xsi:nil=\"true\" />\n"))));
        Assert.Equal(new SqlAnswer(1, 1, ""), MysqlScratch.Read(Result(Row(Field("x", "")))));
        Assert.Equal(new SqlAnswer(2, 3, "1"), MysqlScratch.Read(Result(string.Concat(Enumerable.Repeat(Row(Field("a", "1") + Field("b", "2")), 3)))));
        Assert.Equal(new SqlAnswer(1, 0, null), MysqlScratch.Read(Result("")));
        Assert.Equal(new SqlAnswer(0, 0, null), MysqlScratch.Read(""));
        Assert.True(MysqlScratch.Read(Result(Row(Field("x", "1"))) + Result(Row(Field("x", "2")))).IsSeveral);
        Assert.Equal("\u0001", MysqlScratch.Read(Result(Row(Field("x", "\u0001")))).Value);

        static string Result(string rows) => $"<?xml version=\"1.0\"?>\n\n<resultset statement=\"SELECT x\n\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n{rows}</resultset>\n";
        static string Row(string fields) => $"  <row>\n{fields}  </row>\n";
        static string Field(string name, string value) => $"\t<field name=\"{name}\">{value}</field>\n";
    }
}
