using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Pitr.Operations.Agent;

namespace Pitr.Operations.Tests.Agent;

public class ArchiveRequestTests
{
    [Fact]
    public void Values_are_taken_character_for_character()
    {
        var request = ArchiveRequest.Parse("pitr-agent 1 get\nservice: main\nfile: 0000000100000000000000A1\npath:  /with blank \nstandby: true\n\n");

        Assert.Equal("get", request.Verb);
        Assert.Equal(" /with blank ", request.Require("path"));
        Assert.Equal("true", request.Headers["standby"]);
    }

    [Fact]
    public void An_empty_or_missing_value_is_missing()
    {
        var request = ArchiveRequest.Parse("pitr-agent 1 get\nservice: \n\n");

        Assert.Throws<FormatException>(() => request.Require("service"));
        Assert.Throws<FormatException>(() => request.Require("path"));
    }

    [Fact]
    public void Any_text_is_a_request_or_refused()
    {
        var line = Gen.OneOf(
            Gen.Constant("pitr-agent 1 push"), Gen.Constant("pitr-agent 1 get"), Gen.Constant("pitr-agent 3 get"), Gen.Constant("service: main"),
            Gen.Constant(""), Gen.Constant(": "), Gen.Constant("path:"), ArbMap.Default.GeneratorFor<string>().Select(s => s ?? ""));
        Prop.ForAll(Arb.From(line.ListOf().Select(lines => string.Join('\n', lines))), text =>
        {
            try
            {
                var request = ArchiveRequest.Parse(text);
                return request.Verb is "push" or "get";
            }
            catch (Exception e) when (e is FormatException or NotSupportedException)
            {
                return true;
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_message_cannot_forge_the_answer()
    {
        Assert.Equal("pitr-agent 1 7\nmessage: one\nmessage: two\n\n", Text(new ArchiveResponse(7, "one\n\ntwo\r\n")));
        Assert.Equal("pitr-agent 1 7\nmessage: a[31mb\n\n", Text(new ArchiveResponse(7, "a\u001b[31m\u0000\u0085b")));
        Assert.Equal("pitr-agent 1 0\n\n", Text(new ArchiveResponse(0)));
    }

    [Fact]
    public void Any_answer_keeps_the_framing()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), message =>
        {
            var lines = Text(new ArchiveResponse(1, message)).Split('\n');
            return lines[0] == "pitr-agent 1 1"
                && lines[^1].Length == 0 && lines[^2].Length == 0
                && lines[1..^2].All(l => l.StartsWith("message: ", StringComparison.Ordinal) && !l.Any(char.IsControl));
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("x", 100_000)]
    [InlineData("数", 100_000)]
    [InlineData("line\n", 5_000)]
    [InlineData("😀", 5_000)]
    public void A_long_message_is_cut_so_that_the_answer_is_never_too_long_to_be_believed(string piece, int times)
    {
        var bytes = new ArchiveResponse(7, string.Concat(Enumerable.Repeat(piece, times))).ToBytes();

        Assert.InRange(bytes.Length, 4096, ArchiveRequest.LargestBytes);
        var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        Assert.StartsWith("pitr-agent 1 7\nmessage: ", text, StringComparison.Ordinal);
        Assert.EndsWith("\n\n", text, StringComparison.Ordinal);
    }

    static string Text(ArchiveResponse response) => Encoding.UTF8.GetString(response.ToBytes());
}
