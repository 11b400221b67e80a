using System.Globalization;

namespace Pitr.ArchiveCommand.Tests;

/// <summary>pitr-archive and pg-conf/ with the real server.</summary>
public sealed class PostgresTests : IAsyncLifetime
{
    readonly ScratchDirectory _scratch = new();

    string Data => _scratch["data"];

    public async Task InitializeAsync()
    {
        if (PostgresPrograms.Directory is null || TestUser.IsRoot)
        {
            return;
        }

        await PostgresPrograms.MustAsync(_scratch, "initdb", "-D", Data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8");
        Append($"listen_addresses = ''\nunix_socket_directories = '{_scratch.Path}'\nfsync = off\n");
    }

    public Task DisposeAsync()
    {
        _scratch.Dispose();
        return Task.CompletedTask;
    }

    [PostgresFact]
    public async Task A_refused_segment_is_asked_for_again_and_an_unknown_file_stops_recovery()
    {
        var answers = new Queue<string>(["pitr-agent 1 4\nmessage: ERROR:  repository out of reach\n\n"]);
        await using var agent = AgentDouble.Answering(
            _scratch["s"], request => request.StartsWith("pitr-agent 1 get", StringComparison.Ordinal)
                ? "pitr-agent 1 4\nmessage: ERROR:  cannot tell\n\n"
                : answers.TryDequeue(out var answer) ? answer : "pitr-agent 1 0\n\n");
        Append(await ConfigurationAsync("archive.conf"));
        Append($"archive_command = '\"{Executable.Path}\" --socket {_scratch["s"]} push main %p'\n");

        await StartAsync();
        try
        {
            await SqlAsync("select pg_switch_wal()");
            var first = await agent.RequestAsync();
            Assert.StartsWith($"pitr-agent 1 push\nservice: main\npath: {Data}/pg_wal/0000000100000000", first, StringComparison.Ordinal);
            Assert.Equal(first, await agent.RequestAsync());
        }
        finally
        {
            await PostgresPrograms.MustAsync(_scratch, "pg_ctl", "-D", Data, "-m", "fast", "-w", "stop");
        }

        var log = await File.ReadAllTextAsync(_scratch["log"]);
        Assert.Contains("pitr-archive: ERROR:  repository out of reach", log, StringComparison.Ordinal);
        Assert.Contains("archive command failed with exit code 4", log, StringComparison.Ordinal);

        await File.WriteAllTextAsync(Path.Combine(Data, "recovery.signal"), "");
        Append($"restore_command = '\"{Executable.Path}\" --socket {_scratch["s"]} get main %f %p'\n");

        var recovery = await PostgresPrograms.RunAsync(_scratch, "postgres", "-D", Data);

        Assert.NotEqual(0, recovery.ExitCode);
        Assert.Contains("pitr-archive: ERROR:  cannot tell", recovery.Errors, StringComparison.Ordinal);
        Assert.Contains("FATAL:  could not restore file", recovery.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("archive recovery complete", recovery.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.Combine(Data, "pg_wal"), "*.history"));
    }

    [PostgresFact]
    public async Task The_server_takes_every_setting_of_the_examples()
    {
        Append(await ConfigurationAsync("archive.conf") + await ConfigurationAsync("streaming.conf") + await ConfigurationAsync("restore.conf"));
        var hba = Path.Combine(Data, "pg_hba.conf");
        // Below the test's own lines, so that the test can connect; every line is read all the same.
        await File.AppendAllTextAsync(hba, Uncommented(await ConfigurationAsync("pg_hba.conf.example"), "#hostssl"));
        // The pg-conf examples run no archiver here.
        Append("archive_command = '/bin/false'\nssl = off\n");

        await StartAsync();
        try
        {
            var wrong = await SqlAsync("select name, error from pg_file_settings where error is not null");
            Assert.Equal("", wrong);
            Assert.Equal("", await SqlAsync("select line_number, error from pg_hba_file_rules where error is not null and error not like '%hostssl%'"));
            Assert.Equal("replica|on|60|10", await SqlAsync(
                "select current_setting('wal_level'), current_setting('archive_mode'), " +
                "(select setting from pg_settings where name = 'archive_timeout'), current_setting('max_wal_senders')"));
        }
        finally
        {
            await PostgresPrograms.MustAsync(_scratch, "pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        }
    }

    [PostgresFact]
    public async Task The_settings_that_stand_as_comments_are_real_ones()
    {
        foreach (var file in new[] { "archive.conf", "streaming.conf", "restore.conf" })
        {
            foreach (var line in (await ConfigurationAsync(file)).Split('\n'))
            {
                // "#name = value" is a setting, "# text" is prose.
                if (line.StartsWith('#') && line.Length > 1 && char.IsAsciiLetterLower(line[1]))
                {
                    var name = line[1..line.IndexOf(' ', StringComparison.Ordinal)];
                    await File.WriteAllTextAsync(_scratch["one.conf"], line[1..] + "\n");
                    var configuration = Path.Combine(Data, "postgresql.conf");
                    var run = await PostgresPrograms.RunAsync(
                        _scratch, "postgres", "-D", Data, "-c", $"config_file={await WithIncludeAsync(configuration)}", "-C", name);
                    Assert.True(run.ExitCode == 0, $"{file}: {line}\n{run.Errors}");
                }
            }
        }
    }

    async Task<string> WithIncludeAsync(string configuration)
    {
        await File.WriteAllTextAsync(
            _scratch["all.conf"], await File.ReadAllTextAsync(configuration) + $"\ninclude = '{_scratch["one.conf"]}'\n");
        return _scratch["all.conf"];
    }

    void Append(string text) => File.AppendAllText(Path.Combine(Data, "postgresql.conf"), text);

    static Task<string> ConfigurationAsync(string name) => File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "pg-conf", name));

    static string Uncommented(string text, string start) => text.Replace(start, start[1..], StringComparison.Ordinal);

    Task<string> StartAsync() => PostgresPrograms.MustAsync(_scratch, "pg_ctl", "-D", Data, "-l", _scratch["log"], "-w", "start");

    async Task<string> SqlAsync(string sql) =>
        (await PostgresPrograms.MustAsync(_scratch, "psql", "-XAtq", "-h", _scratch.Path, "-U", "postgres", "-d", "postgres", "-c", sql))
        .TrimEnd().ToString(CultureInfo.InvariantCulture);
}
