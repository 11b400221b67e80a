namespace Pitr.ArchiveCommand.Tests;

public sealed class UsageTests : IDisposable
{
    readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task Help_shows_the_settings_to_copy()
    {
        var run = await Executable.RunAsync(_scratch, "--help");

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("archive_command = 'pitr-archive push main %p'", run.Output, StringComparison.Ordinal);
        Assert.Contains("restore_command = 'pitr-archive get main %f %p'", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_version_is_told()
    {
        var run = await Executable.RunAsync(_scratch, "--version");

        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"\Apitr-archive \d+\.\d+\.\d+\S*\n\z", run.Output);
    }

    [Theory]
    [InlineData(2, "push", "main")]
    [InlineData(2, "push", "main", "x", "--help")]
    [InlineData(2, "--bogus", "push", "main", "x")]
    [InlineData(2, "push", "main", "a\nb")]
    [InlineData(126, "get", "main", "f")]
    [InlineData(126, "get", "main", "f", "p", "--version")]
    [InlineData(126, "get", "main", "f", "a\nb", "--standby")]
    [InlineData(126, "gte", "main", "f", "p")]
    [InlineData(126)]
    public async Task A_wrong_command_line_neither_acknowledges_a_segment_nor_ends_recovery(int code, params string[] arguments)
    {
        _scratch.WriteFakePitr();

        var run = await Executable.FinishAsync(Executable.Start(
            _scratch.Path, arguments, new Dictionary<string, string> { ["PITR_PROGRAM"] = _scratch["pitr"] }));

        Assert.Equal(code, run.ExitCode);
        Assert.Equal("", run.Output);
        var lines = run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("pitr-archive: ERROR: ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("pitr-archive: HINT: ", lines[1], StringComparison.Ordinal);
        Assert.Equal(2, lines.Length);
        Assert.False(_scratch.PitrRan);
    }
}
