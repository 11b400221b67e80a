namespace Pitr.ArchiveCommand.Tests;

public sealed class InlineProgramTests : IDisposable
{
    readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>A push for which no agent answers.</summary>
    async Task<Finished> PushAsync(IReadOnlyDictionary<string, string>? environment = null, string? program = null, params string[] options)
    {
        var all = new Dictionary<string, string>(environment ?? new Dictionary<string, string>()) { ["PITR_SOCKET"] = _scratch["none"] };
        return await Executable.FinishAsync(Executable.Start(_scratch.Path, [.. options, "push", "main", "x"], all, program));
    }

    string Ran => File.ReadAllText(_scratch["program"]).TrimEnd();

    /// <summary>The executable in a directory of this test's own.</summary>
    string CopyExecutable()
    {
        Directory.CreateDirectory(_scratch["bin"]);
        File.Copy(Executable.Path, _scratch["bin/pitr-archive"]);
        File.SetUnixFileMode(_scratch["bin/pitr-archive"], (UnixFileMode)0b111_101_101);
        return _scratch["bin/pitr-archive"];
    }

    [Fact]
    public async Task The_option_comes_before_the_environment()
    {
        var fromOption = _scratch.WriteFakePitr(exitCode: 3, name: "a/pitr");
        var fromEnvironment = _scratch.WriteFakePitr(exitCode: 4, name: "b/pitr");
        var environment = new Dictionary<string, string> { ["PITR_PROGRAM"] = fromEnvironment };

        Assert.Equal(3, (await PushAsync(environment, null, "--pitr", fromOption)).ExitCode);
        Assert.Equal(4, (await PushAsync(environment)).ExitCode);
        Assert.Equal(3, (await PushAsync(environment, null, "--pitr", "a/pitr")).ExitCode);
    }

    [Fact]
    public async Task The_neighbour_comes_before_PATH_and_is_found_through_a_link()
    {
        var copy = CopyExecutable();
        var inPath = _scratch.WriteFakePitr(exitCode: 5, name: "path/pitr");
        var environment = new Dictionary<string, string> { ["PATH"] = $"relative::/nonexistent:{_scratch["path"]}:/usr/bin:/bin" };

        Assert.Equal(5, (await PushAsync(environment, copy)).ExitCode);
        Assert.Equal(inPath, Ran);

        var beside = _scratch.WriteFakePitr(exitCode: 6, name: "bin/pitr");
        Directory.CreateDirectory(_scratch["sbin"]);
        File.CreateSymbolicLink(_scratch["sbin/pitr-archive"], copy);

        Assert.Equal(6, (await PushAsync(environment, _scratch["sbin/pitr-archive"])).ExitCode);
        Assert.Equal(beside, Ran);
    }

    [Fact]
    public async Task A_pitr_in_the_data_directory_is_not_run_for_a_relative_PATH()
    {
        var copy = CopyExecutable();
        _scratch.WriteFakePitr();
        _scratch.WriteFakePitr(name: "relative/pitr");

        var run = await PushAsync(new Dictionary<string, string> { ["PATH"] = ".::relative:" }, copy);

        Assert.Equal(1, run.ExitCode);
        Assert.False(_scratch.PitrRan);
        Assert.Contains($"could not run \"{_scratch["bin/pitr"]}\" and \"pitr\" in PATH", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_without_a_slash_is_looked_up_in_PATH()
    {
        _scratch.WriteFakePitr(exitCode: 8, name: "path/other-pitr");

        var run = await PushAsync(new Dictionary<string, string> { ["PATH"] = _scratch["path"] + ":/usr/bin:/bin" }, null, "--pitr", "other-pitr");

        Assert.Equal(8, run.ExitCode);
    }

    [Fact]
    public async Task A_file_that_is_no_program_is_not_run_by_a_shell()
    {
        // An empty file is a shell script that succeeds.
        var empty = _scratch.WriteProgram("path/pitr", "");
        var noInterpreter = _scratch.WriteProgram("text", "exit 0\n");

        var run = await PushAsync(null, null, "--pitr", empty);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Exec format error", run.Errors, StringComparison.Ordinal);
        Assert.Equal(1, (await PushAsync(null, null, "--pitr", noInterpreter)).ExitCode);
        Assert.Equal(1, (await PushAsync(new Dictionary<string, string> { ["PATH"] = _scratch["path"] }, CopyExecutable())).ExitCode);
    }

    [Fact]
    public async Task A_program_without_permission_or_a_directory_fails_as_not_archived()
    {
        File.SetUnixFileMode(_scratch.WriteFakePitr(), UnixFileMode.UserRead | UnixFileMode.UserWrite);

        foreach (var program in new[] { _scratch["pitr"], _scratch.Path })
        {
            var run = await PushAsync(null, null, "--pitr", program);
            Assert.Equal(1, run.ExitCode);
            Assert.Contains($"could not run \"{program}\": Permission denied: \"x\" is not archived", run.Errors, StringComparison.Ordinal);
            Assert.Contains("pitr-archive: HINT: ", run.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_named_socket_that_is_missing_is_spoken_about()
    {
        _scratch.WriteFakePitr();

        var run = await PushAsync(null, null, "--pitr", _scratch["pitr"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains($"WARNING:  there is no agent socket \"{_scratch["none"]}\"; doing the work inline", run.Errors, StringComparison.Ordinal);
        Assert.All(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.StartsWith("pitr-archive: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_program_has_the_same_environment_and_its_death_by_a_signal_shows()
    {
        _scratch.WriteProgram("pitr", "#!/bin/sh\nprintf '%s' \"$PITR_TEST_VALUE\"\nkill -TERM $$\n");

        var run = await PushAsync(new Dictionary<string, string> { ["PITR_TEST_VALUE"] = "passed on" }, null, "--pitr", _scratch["pitr"]);

        Assert.Equal("passed on", run.Output);
        Assert.Equal(128 + 15, run.ExitCode);
    }
}
