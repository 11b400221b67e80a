using System.Diagnostics;
using Pitr.Operations.Configuration;
using Pitr.Operations.Setup;

namespace Pitr.Operations.Tests.Setup;

public class ArchiveCommandLineTests
{
    [Fact]
    public void Defaults_need_no_options()
    {
        var line = new ArchiveCommandLine("/usr/bin/pitr-archive", Configuration(ArchiveCommandLine.DefaultConfigurationPath, AgentSettings.DefaultSocket));

        Assert.Equal("/usr/bin/pitr-archive push main %p", line.Push("main"));
        Assert.Equal("/usr/bin/pitr-archive get main %f %p", line.Get("main"));
    }

    [Theory]
    [InlineData("/usr/bin/pitr-archive")]
    [InlineData("/opt/with blank/pitr-archive")]
    [InlineData("/opt/it's/\"quoted\"/$HOME/`id`/a;b&c|d")]
    [InlineData("/opt/100%/%p/%f/%%")]
    [InlineData("/opt/größe/数据/back\\slash")]
    [InlineData("/opt/*/?/[a]/~/#/!/(x)/{y}/<z>/=")]
    [InlineData("/opt/-n/new\nline")]
    public async Task The_shell_gets_back_exactly_the_words(string path)
    {
        var line = new ArchiveCommandLine(path, Configuration(path + ".yaml", path + ".sock"));

        Assert.Equal([path, "--config", path + ".yaml", "--socket", path + ".sock", "push", "main", "pg_wal/0001"], await WordsAsync(line.Push("main")));
        Assert.Equal([path, "--config", path + ".yaml", "--socket", path + ".sock", "get", "main", "0001", "pg_wal/0001"], await WordsAsync(line.Get("main")));
    }

    [Theory]
    [InlineData("it's", "archive_command = 'it''s'")]
    [InlineData("/a/back\\slash", "archive_command = '/a/back\\\\slash'")]
    [InlineData("plain %p", "archive_command = 'plain %p'")]
    public void A_line_of_postgresql_conf_is_quoted_as_its_parser_reads_it(string value, string line)
    {
        Assert.Equal(line, new ServerSettingAdvice("archive_command", value, "").ToLine());
    }

    [Theory]
    [InlineData("wal_level", "minimal", false)]
    [InlineData("wal_level", "replica", true)]
    [InlineData("wal_level", "logical", true)]
    [InlineData("archive_mode", "off", false)]
    [InlineData("archive_mode", "on", true)]
    [InlineData("archive_mode", "always", true)]
    [InlineData("archive_timeout", "0", false)]
    [InlineData("archive_timeout", "1", true)]
    [InlineData("archive_timeout", "300", true)]
    [InlineData("archive_timeout", "301", false)]
    [InlineData("archive_timeout", "1min", false)]
    [InlineData("archive_command", "cp %p /backup/%f", false)]
    [InlineData("archive_command", "pitr-archive push main %p", true)]
    public void What_is_good_enough_is_left_alone(string name, string value, bool satisfied)
    {
        var advice = ServerSettingAdvice.For("pitr-archive push main %p").Single(a => a.Name == name);

        Assert.Equal(satisfied, ServerSettingsApplied.Satisfies(advice, value));
    }

    // First what PostgreSQL does with the command, then what sh makes of it.
    static async Task<string[]> WordsAsync(string command)
    {
        var expanded = new System.Text.StringBuilder();
        for (var i = 0; i < command.Length; i++)
        {
            if (command[i] == '%' && i + 1 < command.Length && command[i + 1] is 'p' or 'f' or '%')
            {
                expanded.Append(command[++i] switch { 'p' => "pg_wal/0001", 'f' => "0001", _ => "%" });
            }
            else
            {
                expanded.Append(command[i]);
            }
        }

        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", $"printf '%s\\0' {expanded}"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync();
        return output.Split('\0')[..^1];
    }

    static PitrConfiguration Configuration(string path, string socket) => new()
    {
        FilePath = path,
        Agent = new AgentSettings(socket),
        Repositories = new Dictionary<string, RepositorySettings>(),
        Encryption = new EncryptionSettings([], null, null),
        Services = new Dictionary<string, ServiceSettings>(),
    };
}
