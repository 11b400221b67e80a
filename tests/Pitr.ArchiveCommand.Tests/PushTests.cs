namespace Pitr.ArchiveCommand.Tests;

public sealed class PushTests : IDisposable
{
    readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    string SocketPath => _scratch["s"];

    Task<Finished> PushAsync(string path = "pg_wal/0000000100000000000000A1", params string[] options) =>
        Executable.RunAsync(_scratch, ["--socket", SocketPath, "--pitr", _scratch["pitr"], .. options, "push", "main", path]);

    [Fact]
    public async Task The_agent_is_asked_with_an_absolute_path()
    {
        await using var agent = AgentDouble.Answering(SocketPath, "pitr-agent 1 0\n\n");

        var run = await PushAsync("pg_wal/0000000100000000000000A1");

        Assert.Equal(new Finished(0, "", ""), run);
        Assert.Equal($"pitr-agent 1 push\nservice: main\npath: {_scratch.Path}/pg_wal/0000000100000000000000A1\n\n", await agent.RequestAsync());
    }

    [Theory]
    [InlineData("/var/lib/postgresql/a b/ö/0000000100000000000000A1", "")]
    [InlineData("pg_wal/name with  spaces ", "{0}/")]
    [InlineData("./pg_wal/x", "{0}/")]
    [InlineData("\"quoted\" $(not run) 'file'", "{0}/")]
    public async Task A_path_reaches_the_agent_character_for_character(string path, string before)
    {
        await using var agent = AgentDouble.Answering(SocketPath, "pitr-agent 1 0\n\n");

        var run = await PushAsync(path);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains($"\npath: {before.Replace("{0}", _scratch.Path, StringComparison.Ordinal)}{path}\n", await agent.RequestAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4, 4)]
    [InlineData(125, 125)]
    [InlineData(126, 1)]
    [InlineData(127, 1)]
    [InlineData(130, 1)]
    [InlineData(255, 1)]
    public async Task The_agents_code_becomes_one_that_never_stops_the_archiver(int code, int expected)
    {
        _scratch.WriteFakePitr();
        await using var agent = AgentDouble.Answering(SocketPath, $"pitr-agent 1 {code}\nmessage: ERROR:  told so\n\n");

        var run = await PushAsync();

        Assert.Equal(new Finished(expected, "", "pitr-archive: ERROR:  told so\n"), run);
        Assert.False(_scratch.PitrRan);
    }

    [Fact]
    public async Task A_refusal_without_a_reason_still_says_which_file_is_not_archived()
    {
        await using var agent = AgentDouble.Answering(SocketPath, "pitr-agent 1 4\n\n");

        var run = await PushAsync("pg_wal/A1");

        Assert.Equal(4, run.ExitCode);
        Assert.Contains("code 4", run.Errors, StringComparison.Ordinal);
        Assert.Contains("\"pg_wal/A1\" is not archived", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whatever_a_message_holds_each_line_of_the_log_bears_the_programs_name()
    {
        await using var agent = AgentDouble.Answering(SocketPath, "pitr-agent 1 1\nmessage: a\rb\u001b[31mc\u0085d\nmessage: ü\n\n");

        var run = await PushAsync();

        Assert.Equal("pitr-archive: a?b?[31mc?d\npitr-archive: ü\n", run.Errors);
    }

    [Fact]
    public async Task An_answer_may_come_in_pieces()
    {
        await using var agent = new AgentDouble(AgentDouble.Listen(SocketPath), async (_, connection, stop) =>
        {
            foreach (var piece in "pitr-agent 1 3\nmessage: slowly\n\n")
            {
                await connection.SendAsync(new[] { (byte)piece }, stop);
            }
        });

        Assert.Equal(new Finished(3, "", "pitr-archive: slowly\n"), await PushAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("pitr-agent 1 0")]
    [InlineData("pitr-agent 1 0\n")]
    [InlineData("pitr-agent 1 0\nmessage: half")]
    [InlineData("pitr-agent 0 0\n\n")]
    [InlineData("pitr-agent 2 0\n\n")]
    [InlineData("pitr-agent 1 64\nmessage: unknown version\n\n")]
    [InlineData("pitr-agent 1 256\n\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    public async Task Without_a_whole_answer_of_this_version_pitr_does_the_work(string answer)
    {
        _scratch.WriteFakePitr(exitCode: 5);
        await using var agent = AgentDouble.Answering(SocketPath, answer);

        var run = await PushAsync("pg_wal/A 1", "--config", "/etc/pitr/my config.yaml");

        Assert.Equal(5, run.ExitCode);
        Assert.True(agent.WasAsked);
        Assert.Equal(["--config", "/etc/pitr/my config.yaml", "wal", "push", "main", "pg_wal/A 1"], _scratch.PitrArguments);
        Assert.Equal(_scratch.Path, (await File.ReadAllTextAsync(_scratch["directory"])).TrimEnd());
        Assert.Contains("pitr-archive: WARNING: ", run.Errors, StringComparison.Ordinal);
        Assert.Contains("doing the work inline", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_without_end_is_none()
    {
        _scratch.WriteFakePitr();
        var endless = "pitr-agent 1 0\n" + string.Concat(Enumerable.Repeat("message: more\n", 1000)) + "\n";
        // The client hangs up in the middle, so the rest cannot be sent.
        await using var agent = new AgentDouble(AgentDouble.Listen(SocketPath), async (_, connection, stop) =>
            await Record.ExceptionAsync(async () => await connection.SendAsync(System.Text.Encoding.UTF8.GetBytes(endless), stop)));

        var run = await PushAsync();

        Assert.Equal(0, run.ExitCode);
        Assert.True(_scratch.PitrRan);
    }

    [Fact]
    public async Task A_socket_left_behind_by_a_dead_agent_is_no_agent()
    {
        _scratch.WriteFakePitr(exitCode: 3);
        // Dispose also removes the file, by the name it was made with.
        using (AgentDouble.Listen(_scratch["first"]))
        {
            File.Move(_scratch["first"], SocketPath);
        }

        var run = await PushAsync();

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("left its socket behind", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_socket_and_a_path_that_fits_no_socket_are_no_agent()
    {
        _scratch.WriteFakePitr();
        await File.WriteAllTextAsync(SocketPath, "");
        Assert.Equal(0, (await PushAsync()).ExitCode);
        Assert.True(_scratch.PitrRan);
        File.Delete(_scratch["arguments"]);

        var run = await Executable.RunAsync(
            _scratch, "--socket", "/" + new string('s', 200), "--pitr", _scratch["pitr"], "push", "main", "x");

        Assert.Equal(0, run.ExitCode);
        Assert.True(_scratch.PitrRan);
        Assert.Contains("at most 107 bytes", run.Errors, StringComparison.Ordinal);
    }

    [UnprivilegedFact]
    public async Task A_socket_without_permission_is_no_agent()
    {
        _scratch.WriteFakePitr();
        await using var agent = AgentDouble.Answering(SocketPath, "pitr-agent 1 0\n\n");
        File.SetUnixFileMode(SocketPath, UnixFileMode.None);

        var run = await PushAsync();

        Assert.Equal(0, run.ExitCode);
        Assert.True(_scratch.PitrRan);
        Assert.False(agent.WasAsked);
        Assert.Contains("write permission", run.Errors, StringComparison.Ordinal);
    }

    [RootFact]
    public async Task Somebody_elses_agent_is_not_believed()
    {
        const uint stranger = 65534;
        _scratch.WriteFakePitr(exitCode: 9);
        // The kernel notes the effective user of the thread that calls listen.
        File.SetUnixFileMode(_scratch.Path, (UnixFileMode)0b111_111_111);
        await using var agent = new AgentDouble(
            ForeignListener.Listen(SocketPath, stranger),
            async (_, connection, stop) => await connection.SendAsync("pitr-agent 1 0\n\n"u8.ToArray(), stop));

        var run = await PushAsync();

        Assert.Equal(9, run.ExitCode);
        Assert.True(_scratch.PitrRan);
        Assert.Contains("user id 65534 and is not believed", run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("pitr-agent 1 0\nmessage: half")]
    public async Task An_agent_that_never_answers_ends_in_a_failure_that_is_spoken_about(string beginning)
    {
        _scratch.WriteFakePitr();
        await using var agent = AgentDouble.Hanging(SocketPath, beginning);

        var run = await PushAsync("pg_wal/A1", "--timeout", "1");

        Assert.Equal(1, run.ExitCode);
        Assert.False(_scratch.PitrRan);
        Assert.Contains("did not answer within 1 s: \"pg_wal/A1\" is not archived", run.Errors, StringComparison.Ordinal);
        Assert.Contains("pitr-archive: HINT: ", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_never_accepts_ends_the_same_way()
    {
        using var listener = AgentDouble.Listen(SocketPath, backlog: 0);
        using var waiting = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        await waiting.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(SocketPath));

        var run = await PushAsync("pg_wal/A1", "--timeout", "1");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("did not answer within 1 s", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_ends_it_as_PostgreSQL_expects()
    {
        await using var agent = AgentDouble.Hanging(SocketPath);
        using var process = Executable.Start(_scratch.Path, ["--socket", SocketPath, "push", "main", "x"]);
        await agent.RequestAsync();

        using (var kill = System.Diagnostics.Process.Start("/bin/kill", ["-TERM", $"{process.Id}"]))
        {
            await kill.WaitForExitAsync();
        }

        await process.WaitForExitAsync();
        Assert.Equal(128 + 15, process.ExitCode);
    }
}
