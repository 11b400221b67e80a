using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;

namespace Pitr.EndToEnd.Tests;

/// <summary>What is wrong with configuration, keys and command line is said before anything is done.</summary>
public sealed class ConfigurationTests : IDisposable
{
    readonly TestDirectory _directory = new();
    readonly PitrHost _host;

    public ConfigurationTests() => _host = new PitrHost(_directory.New("host"), _directory["repository"]);

    public void Dispose() => _directory.Dispose();

    async Task InitAsync() => (await _host.InitAsync($"Host={_directory.Path};Username=postgres", _directory["data"])).Must();

    [Fact]
    public async Task An_unknown_key_is_named_with_its_place_and_the_nearest_valid_one()
    {
        await InitAsync();
        await File.AppendAllTextAsync(_host.ConfigurationFile, "    data-directroy: /nowhere\n");
        var line = (await File.ReadAllLinesAsync(_host.ConfigurationFile)).Length;
        (await _host.RunAsync("info")).Must(3).MustSay($"{_host.ConfigurationFile}:{line}:5", "data-directroy", "\"data-directory\"");
        Assert.Equal(3, (await _host.RunAsync("--output", "json", "config", "check")).Must(3).Json.GetProperty("exit-code").GetInt32());
    }

    [Fact]
    public async Task A_bad_unit_is_named_with_its_place()
    {
        await InitAsync();
        await File.AppendAllTextAsync(_host.ConfigurationFile, "    wal: { push-deadline: 5 minutes }\n");
        (await _host.RunAsync("config", "check")).Must(3).MustSay(_host.ConfigurationFile + ":", "5 minutes", "push-deadline");
    }

    [Fact]
    public async Task A_missing_configuration_is_named()
    {
        (await _host.RunAsync("info")).Must(3).MustSay(_host.ConfigurationFile, "HINT:");
        (await _host.RunAsync("wal", "get", "main", "000000010000000000000001", _directory["x"])).Must(126).MustSay(_host.ConfigurationFile);
        (await _host.RunAsync("wal", "push", "main", _directory["000000010000000000000001"])).Must(3);
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_named_with_the_nearest_one()
    {
        await InitAsync();
        foreach (var command in new string[][] { ["backup", "mian"], ["restore", "mian", "--to", _directory["to"]], ["drill", "mian"], ["info", "mian"], ["check", "mian"] })
        {
            (await _host.RunAsync(command)).Must(3).MustSay("mian", "main");
        }

        (await _host.RunAsync("wal", "get", "mian", "000000010000000000000001", _directory["x"])).Must(126).MustSay("mian", "main");
    }

    [Fact]
    public async Task An_identity_that_others_can_read_is_refused()
    {
        await InitAsync();
        File.SetUnixFileMode(_host.IdentityFile, (UnixFileMode)0b110_100_100);
        (await _host.RunAsync("key", "add-recipient", Path.Combine(_host.Directory, "recipient.pem"))).Must(3).MustSay(_host.IdentityFile, "0600", "HINT:");
    }

    [Fact]
    public async Task An_environment_variable_that_overrides_nothing_is_an_error()
    {
        await InitAsync();
        _host.Environment["PITR_LOGLEVEL"] = "debug";
        (await _host.RunAsync("info")).Must(3).MustSay("PITR_LOGLEVEL", "PITR_LOG__LEVEL");
    }

    [Fact]
    public async Task A_mistyped_option_is_a_usage_error_and_for_a_get_an_unknown_answer()
    {
        await InitAsync();
        (await _host.RunAsync("backup", "main", "--fsat")).Must(2).MustSay("--fsat", "HINT:");
        (await _host.RunAsync("restore", "main")).Must(2).MustSay("--to");
        (await _host.RunAsync("wal", "push", "main")).Must(2);
        (await _host.RunAsync("wal", "get", "main", "000000010000000000000001", _directory["x"], "--stanby")).Must(126);
        (await _host.RunAsync("wal", "get", "main")).Must(126);
        (await _host.ArchiveAsync("push", "main")).Must(2);
        (await _host.ArchiveAsync("get", "main", "000000010000000000000001", _directory["x"], "--stanby")).Must(126);
        (await _host.ArchiveAsync("gte", "main", "000000010000000000000001", _directory["x"])).Must(126);
    }

    [Fact]
    public async Task Init_keeps_what_exists()
    {
        await InitAsync();
        var before = TreeState.Of(_host.Directory);
        (await _host.InitAsync("Host=/nowhere", _directory["data"])).Must(7).MustSay(_host.ConfigurationFile, "--force");
        Assert.Equal(before, TreeState.Of(_host.Directory));

        var identity = await File.ReadAllTextAsync(_host.IdentityFile);
        (await _host.InitAsync("Host=/nowhere", _directory["data"], "--force")).Must();
        Assert.Equal(identity, await File.ReadAllTextAsync(_host.IdentityFile));
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_said()
    {
        await InitAsync();
        (await _host.RunAsync("backup", "main")).Must(10).MustSay(_directory.Path);
        (await _host.RunAsync("check", "main")).Must(9);
        // Nothing but what says that the backup began and failed.
        Assert.Equal(2, Directory.GetFiles(_host.PathOf("services/main/audit")).Length);
        Assert.Equal(["repository.json"], Directory.EnumerateFiles(_host.Repository, "*", SearchOption.AllDirectories).Where(f => !f.Contains("/audit/", StringComparison.Ordinal)).Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_shell_is_offered_commands_and_services()
    {
        await InitAsync();
        var commands = (await ProgramRun.RunAsync(TestEnvironment.Pitr, ["[suggest:9]", "pitr back"])).Must();
        Assert.Contains("backup", commands.Output.Split('\n'));
        var line = $"pitr --config {_host.ConfigurationFile} backup m";
        var services = (await ProgramRun.RunAsync(TestEnvironment.Pitr, [$"[suggest:{line.Length}]", line])).Must();
        Assert.Contains("main", services.Output.Split('\n'));

        var script = _directory["completion.bash"];
        await File.WriteAllTextAsync(script, (await ProgramRun.RunAsync(TestEnvironment.Pitr, ["completion", "bash"])).Must().Output);
        (await ProgramRun.RunAsync("/bin/bash", ["-n", script])).Must();
        var completed = await ProgramRun.RunAsync(
            "/bin/bash", ["-c", $"PATH={Path.GetDirectoryName(TestEnvironment.Pitr)}:$PATH; . {script}; COMP_LINE='pitr back'; COMP_POINT=9; COMP_WORDS=(pitr back); COMP_CWORD=1; _pitr; printf '%s\\n' \"${{COMPREPLY[@]}}\""]);
        Assert.Equal("backup", completed.Must().Output.Trim());
    }
}
