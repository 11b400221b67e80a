using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

/// <summary><c>journal</c> of a service of kind files.</summary>
public sealed class JournalSettingsTests : ConfigurationFiles
{
    const string Beginning =
        """
        repositories: { l: { url: file:///a } }
        encryption: { recipients: [/a] }
        services:
          logs:
            kind: files
            repositories: [l]

        """;

    [Theory]
    [InlineData("    journal:\n")]
    [InlineData("    journal: {}\n")]
    public void The_journal_alone_is_enough(string text)
    {
        var service = Load(Beginning + text).FilesService("logs");

        Assert.Empty(service.Paths);
        Assert.Equal(new JournalSettings(), service.Journal! with { Units = new JournalSettings().Units, Identifiers = new JournalSettings().Identifiers, Matches = new JournalSettings().Matches });
        Assert.Equal(TimeSpan.FromDays(90), service.Journal.Keep);
    }

    [Fact]
    public void Every_key_is_read_and_written_again()
    {
        const string text = "    journal: { directory: /var/log/journal/x, units: [nginx.service, -x], identifiers: [sudo], matches: [_TRANSPORT=kernel, \"A=b=c d\"], keep: 30d, bin-directory: /opt/bin }\n";
        var configuration = Load(Beginning + text);
        var journal = configuration.FilesService("logs").Journal!;

        Assert.Equal("/var/log/journal/x", journal.Directory);
        Assert.Equal(["nginx.service", "-x"], journal.Units);
        Assert.Equal(["sudo"], journal.Identifiers);
        Assert.Equal(["_TRANSPORT=kernel", "A=b=c d"], journal.Matches);
        Assert.Equal((TimeSpan.FromDays(30), "/opt/bin"), (journal.Keep, journal.BinDirectory));
        var again = Load(ConfigurationText.Show(configuration)).FilesService("logs").Journal!;
        Assert.Equal((journal.Directory, journal.Keep, journal.BinDirectory), (again.Directory, again.Keep, again.BinDirectory));
        Assert.Equal(journal.Matches, again.Matches);
    }

    [Fact]
    public void Without_it_there_is_none() => Assert.Null(Load(Beginning + "    paths: [/etc]\n").FilesService("logs").Journal);

    [Theory]
    [InlineData("", "has neither \"paths\" nor \"journal\"")]
    [InlineData("    journal: { matches: [--file=/etc/shadow] }\n", "which is no match of journalctl")]
    [InlineData("    journal: { matches: [/usr/bin/x] }\n", "which is no match of journalctl")]
    [InlineData("    journal: { matches: [+] }\n", "which is no match of journalctl")]
    [InlineData("    journal: { matches: [9A=x] }\n", "which is no match of journalctl")]
    [InlineData("    journal: { keep: 5m }\n", "can not be 5m")]
    [InlineData("    journal: { directory: x }\n", "must be an absolute path")]
    [InlineData("    journal: true\n", "must be a mapping of keys to values")]
    [InlineData("    journal: { since: x }\n", "unknown key \"since\"")]
    [InlineData("    journal: {}\n    paths: [/systemd-journal/x]\n", "where backups hold the journal")]
    public void What_makes_no_sense_is_refused(string text, string message) =>
        Assert.Contains(Assert.Throws<ConfigurationException>(() => Load(Beginning + text)).Problems, problem => problem.Message.Contains(message, StringComparison.Ordinal));
}
