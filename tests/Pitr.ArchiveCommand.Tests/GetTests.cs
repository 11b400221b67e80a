namespace Pitr.ArchiveCommand.Tests;

public sealed class GetTests : IDisposable
{
    readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    string SocketPath => _scratch["s"];

    Task<Finished> GetAsync(params string[] options) => Executable.RunAsync(
        _scratch, ["--socket", SocketPath, "--pitr", _scratch["pitr"], "get", "main", "0000000100000000000000A1", "pg_wal/RECOVERYXLOG", .. options]);

    [Fact]
    public async Task The_agent_puts_the_file_in_place()
    {
        await using var agent = AgentDouble.Answering(SocketPath, _ =>
        {
            Directory.CreateDirectory(_scratch["pg_wal"]);
            File.WriteAllText(_scratch["pg_wal/RECOVERYXLOG"], "wal");
            return "pitr-agent 1 0\n\n";
        });

        var run = await GetAsync();

        Assert.Equal(new Finished(0, "", ""), run);
        Assert.Equal(
            $"pitr-agent 1 get\nservice: main\nfile: 0000000100000000000000A1\npath: {_scratch.Path}/pg_wal/RECOVERYXLOG\n\n",
            await agent.RequestAsync());
    }

    [Fact]
    public async Task A_file_said_to_be_in_place_but_missing_is_unknown_not_absent()
    {
        await using var agent = AgentDouble.Answering(SocketPath, "pitr-agent 1 0\n\n");

        var run = await GetAsync();

        Assert.Equal(126, run.ExitCode);
        Assert.Contains("is not there", run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 126, 1)]
    [InlineData(4, 126, 1)]
    [InlineData(70, 126, 1)]
    [InlineData(126, 126, 1)]
    [InlineData(137, 126, 1)]
    [InlineData(255, 126, 1)]
    public async Task Only_1_means_absent_and_all_else_is_unknown(int code, int expected, int expectedOnStandby)
    {
        _scratch.WriteFakePitr();
        await using var agent = AgentDouble.Answering(SocketPath, $"pitr-agent 1 {code}\n\n");

        Assert.Equal(expected, (await GetAsync()).ExitCode);
        Assert.DoesNotContain("standby", await agent.RequestAsync(), StringComparison.Ordinal);

        Assert.Equal(expectedOnStandby, (await GetAsync("--standby")).ExitCode);
        Assert.EndsWith("\nstandby: true\n\n", await agent.RequestAsync(), StringComparison.Ordinal);
        Assert.False(_scratch.PitrRan);
    }

    [Fact]
    public async Task Absent_needs_no_words()
    {
        await using var agent = AgentDouble.Answering(SocketPath, "pitr-agent 1 1\n\n");

        Assert.Equal(new Finished(1, "", ""), await GetAsync());
    }

    [Fact]
    public async Task An_agent_that_never_answers_leaves_it_unknown()
    {
        _scratch.WriteFakePitr();
        await using var agent = AgentDouble.Hanging(SocketPath);

        var run = await GetAsync("--timeout", "1");

        Assert.Equal(126, run.ExitCode);
        Assert.Contains("did not answer within 1 s: whether the archive holds \"0000000100000000000000A1\" is not known", run.Errors, StringComparison.Ordinal);
        Assert.False(_scratch.PitrRan);
    }

    [Fact]
    public async Task An_agent_that_never_answers_does_not_stop_a_standby()
    {
        await using var agent = AgentDouble.Hanging(SocketPath);

        Assert.Equal(1, (await GetAsync("--timeout", "1", "--standby")).ExitCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("pitr-agent 1 1\n")]
    [InlineData("pitr-agent 2 1\n\n")]
    [InlineData("pitr-agent 1 64\n\n")]
    public async Task Without_a_whole_answer_of_this_version_pitr_does_the_work(string answer)
    {
        _scratch.WriteFakePitr(exitCode: 126);
        await using var agent = AgentDouble.Answering(SocketPath, answer);

        var run = await GetAsync("--standby", "--config=c.yaml");

        Assert.Equal(126, run.ExitCode);
        Assert.Equal(
            ["--config", "c.yaml", "wal", "get", "main", "0000000100000000000000A1", "pg_wal/RECOVERYXLOG", "--standby"], _scratch.PitrArguments);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(126)]
    public async Task The_exit_code_of_pitr_is_passed_on(int code)
    {
        _scratch.WriteFakePitr(exitCode: code);

        Assert.Equal(code, (await GetAsync()).ExitCode);
    }

    [Fact]
    public async Task A_missing_pitr_leaves_it_unknown()
    {
        var run = await GetAsync();
        Assert.Equal(126, run.ExitCode);
        Assert.Contains($"could not run \"{_scratch["pitr"]}\": No such file or directory", run.Errors, StringComparison.Ordinal);

        Assert.Equal(1, (await GetAsync("--standby")).ExitCode);
    }
}
