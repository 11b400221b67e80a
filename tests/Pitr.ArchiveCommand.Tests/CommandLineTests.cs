namespace Pitr.ArchiveCommand.Tests;

public sealed class CommandLineTests
{
    [Fact]
    public void A_push_names_service_and_path()
    {
        var line = CommandLine.Parse(["push", "main", "pg_wal/0000000100000000000000A1"]);

        Assert.Null(line.Error);
        Assert.Equal((ArchiveVerb.Push, "main", "pg_wal/0000000100000000000000A1"), (line.Verb, line.Service, line.Path));
        Assert.Equal(600, line.TimeoutSeconds);
    }

    [Fact]
    public void A_get_names_service_file_and_path_and_options_may_stand_anywhere()
    {
        var line = CommandLine.Parse(
            ["--socket", "/s", "get", "main", "--timeout=7", "00000002.history", "pg_wal/RECOVERYHISTORY", "--standby", "--pitr", "/p", "--config=/c"]);

        Assert.Null(line.Error);
        Assert.Equal((ArchiveVerb.Get, "main", "00000002.history", "pg_wal/RECOVERYHISTORY"), (line.Verb, line.Service, line.File, line.Path));
        Assert.Equal(("/s", "/p", "/c", 7, true), (line.Socket, line.Program, line.Config, line.TimeoutSeconds, line.Standby));
    }

    [Theory]
    [InlineData("nothing to do", "")]
    [InlineData("unknown verb \"gte\"", "gte main f p")]
    [InlineData("push takes SERVICE PATH: 2 arguments, not 1", "push main")]
    [InlineData("push takes SERVICE PATH: 2 arguments, not 3", "push main f p")]
    [InlineData("get takes SERVICE FILE PATH: 3 arguments, not 2", "get main p")]
    [InlineData("unknown option \"--sokcet\"", "--sokcet push main p")]
    [InlineData("unknown option \"-x\"", "push main -x")]
    [InlineData("unknown option \"--standby=yes\"", "get main f p --standby=yes")]
    [InlineData("--timeout takes whole seconds from 1 to 86400, not \"0\"", "--timeout 0 push main p")]
    [InlineData("--timeout takes whole seconds from 1 to 86400, not \"86401\"", "--timeout 86401 push main p")]
    [InlineData("--timeout takes whole seconds from 1 to 86400, not \"1.5\"", "--timeout=1.5 push main p")]
    [InlineData("--timeout takes whole seconds from 1 to 86400, not \"-1\"", "--timeout -1 push main p")]
    [InlineData("--config needs a value", "push main p --config")]
    [InlineData("--socket needs a value", "--socket= push main p")]
    [InlineData("--help stands alone", "push main p --help")]
    [InlineData("--version stands alone", "--version push main p")]
    [InlineData("--standby belongs to get", "push main p --standby")]
    public void A_wrong_command_line_is_refused(string reason, string arguments)
    {
        var line = CommandLine.Parse(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.StartsWith(reason, line.Error, StringComparison.Ordinal);
        Assert.False(line.WantsHelp || line.WantsVersion);
    }

    [Theory]
    [InlineData("push", "main", "pg_wal/a\nservice: other")]
    [InlineData("push", "ma\rin", "pg_wal/a")]
    [InlineData("push", "main", "pg_wal/\u0085")]
    [InlineData("push", "main", "pg_wal/\u007f")]
    [InlineData("push", "main", "")]
    [InlineData("get", "main", "a\0b", "p")]
    [InlineData("get", "main", "f", "pg_wal/\uFFFD")]
    [InlineData("--socket", "/a\tb", "push", "main", "p")]
    public void Control_characters_and_broken_text_are_refused(params string[] arguments) =>
        Assert.NotNull(CommandLine.Parse(arguments).Error);

    [Fact]
    public void A_path_that_no_system_takes_is_refused() => Assert.NotNull(CommandLine.Parse(["push", "main", new string('a', 4097)]).Error);
}
