using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Pitr.ArchiveCommand.Tests;

public sealed class AgentAnswerTests
{
    [Theory]
    [InlineData("pitr-agent 1 0\n\n", 0)]
    [InlineData("pitr-agent 1 1\n\n", 1)]
    [InlineData("pitr-agent 1 126\nmessage: a\n\n", 126)]
    [InlineData("pitr-agent 1 255\nlater: something new\n\n", 255)]
    [InlineData("pitr-agent 1 000\n\nwhatever follows", 0)]
    public void A_whole_answer_is_read(string text, int code) => Assert.Equal(code, Parse(text)?.Code);

    [Fact]
    public void Messages_keep_their_order_and_their_text()
    {
        var answer = Parse("pitr-agent 1 7\nmessage: ERROR:  größer: \"a\"\nmessage: \nother: x\nmessage: HINT:  b\n\n");

        Assert.Equal(["ERROR:  größer: \"a\"", "", "HINT:  b"], answer!.Messages);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("pitr-agent 1 0")]
    [InlineData("pitr-agent 1 0\n")]
    [InlineData("pitr-agent 1 0\nmessage: cut")]
    [InlineData("pitr-agent 1 0\nmessage: cut\n")]
    [InlineData("pitr-agent 0 0\n\n")]
    [InlineData("pitr-agent 2 0\n\n")]
    [InlineData("pitr-agent 11 0\n\n")]
    [InlineData("pitr-agent 1 \n\n")]
    [InlineData("pitr-agent 1\n\n")]
    [InlineData("pitr-agent 1 0 \n\n")]
    [InlineData("pitr-agent 1  0\n\n")]
    [InlineData("pitr-agent 1 +0\n\n")]
    [InlineData("pitr-agent 1 -0\n\n")]
    [InlineData("pitr-agent 1 0x0\n\n")]
    [InlineData("pitr-agent 1 256\n\n")]
    [InlineData("pitr-agent 1 0000\n\n")]
    [InlineData("pitr-agent 1 0\r\n\r\n")]
    [InlineData("pitr-agent 1 0\nno header\n\n")]
    [InlineData("pitr-agent 1 0\n: no name\n\n")]
    [InlineData("PITR-agent 1 0\n\n")]
    [InlineData(" pitr-agent 1 0\n\n")]
    [InlineData("HTTP/1.1 200 OK\n\n")]
    public void Anything_else_is_no_answer(string text) => Assert.Null(Parse(text));

    [Fact]
    public void Every_truncation_is_no_answer()
    {
        const string whole = "pitr-agent 1 0\nmessage: stored\nmessage: HINT:  none\n\n";
        Assert.All(Enumerable.Range(0, whole.Length), length => Assert.Null(Parse(whole[..length])));
        Assert.NotNull(Parse(whole));
    }

    [Fact]
    public void No_flipped_bit_of_a_refusal_makes_it_an_acknowledgement_but_in_the_code_itself()
    {
        var refusal = "pitr-agent 1 7\nmessage: ERROR:  disk full\n\n"u8.ToArray();
        var codeAt = "pitr-agent 1 ".Length;
        for (var bit = 0; bit < refusal.Length * 8; bit++)
        {
            if (bit / 8 != codeAt)
            {
                var damaged = (byte[])refusal.Clone();
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.NotEqual(0, AgentAnswer.Parse(damaged)?.Code ?? -1);
            }
        }
    }

    [Fact]
    public void No_bytes_upset_the_reader() => Check.QuickThrowOnFailure(
        Prop.ForAll<byte[], byte[]>((head, tail) =>
        {
            byte[] bytes = [.. "pitr-agent 1 "u8, .. head, .. "\n"u8, .. tail, .. "\n\n"u8];
            return AgentAnswer.Parse(bytes) is null or { Code: >= 0 and <= 255 } && AgentAnswer.Parse(head) is null;
        }));

    static AgentAnswer? Parse(string text) => AgentAnswer.Parse(Encoding.UTF8.GetBytes(text));
}
