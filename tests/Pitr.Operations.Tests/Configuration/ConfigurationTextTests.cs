using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Pitr.Operations.Configuration;
using YamlDotNet.RepresentationModel;

namespace Pitr.Operations.Tests.Configuration;

public sealed class ConfigurationTextTests : ConfigurationFiles
{
    static readonly NewConfiguration Full = new()
    {
        ServiceName = "orders.eu-1",
        RepositoryName = "vault",
        RepositoryUrl = "file:///mnt/a%20b/pitr",
        RecipientFiles = ["/etc/pitr/a b.pem", "/etc/pitr/\"quoted\" #1: ü.pem"],
        IdentityFile = "/etc/pitr/identity.pem",
        PassphraseReference = "${PASSPHRASE}",
        StateDirectory = "/srv/state",
        Socket = "/srv/agent.sock",
        DataDirectory = "/srv/pg data/15",
        Connection = "host=/run/x user=me",
        PasswordReference = "file:/etc/pitr/password",
        BinDirectory = "/usr/lib/postgresql/15/bin",
        ArchiveProgram = "/opt/pitr/pitr-archive",
        Objectives = new ObjectiveSettings(TimeSpan.FromSeconds(30), TimeSpan.FromHours(1)),
        Retention = new RetentionSettings(TimeSpan.FromDays(1), 1, 2, 3, 4, 5),
    };

    [Fact]
    public void What_init_writes_reads_back_as_what_was_decided()
    {
        var configuration = Load(ConfigurationText.Render(Full));

        Assert.Equal("/srv/state", configuration.StateDirectory);
        Assert.Equal("/srv/agent.sock", configuration.Agent.Socket);
        Assert.Equal("/mnt/a b/pitr", DirectoryOf(configuration.Repository("vault")));
        Assert.Equal(Full.RecipientFiles, configuration.Encryption.RecipientFiles);
        Assert.Equal("/etc/pitr/identity.pem", configuration.Encryption.IdentityFile);
        Assert.Equal("${PASSPHRASE}", configuration.Encryption.Passphrase!.Source);
        var service = configuration.PostgresService("orders.eu-1");
        Assert.Equal("/srv/pg data/15", service.DataDirectory);
        Assert.Equal("Host=/run/x;Username=me", service.Connection);
        Assert.Equal("file:/etc/pitr/password", service.Password!.Source);
        Assert.Equal("/usr/lib/postgresql/15/bin", service.BinDirectory);
        Assert.Equal("/opt/pitr/pitr-archive", service.ArchiveProgram);
        Assert.Equal(["vault"], service.Repositories);
        Assert.Equal(Full.Objectives, service.Objectives);
        Assert.Equal(Full.Retention, service.Retention);
    }

    [Fact]
    public void What_init_leaves_open_has_the_defaults_and_says_them_in_comments()
    {
        var text = ConfigurationText.Render(new NewConfiguration
        {
            ServiceName = "main",
            RepositoryUrl = "file:///var/lib/pitr/repository",
            RecipientFiles = ["/etc/pitr/recipient.pem"],
        });

        Assert.Equal(ConfigurationText.Show(Load(Minimal)), ConfigurationText.Show(Load(text)));
        Assert.Contains("# state-directory: /var/lib/pitr\n", text, StringComparison.Ordinal);
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 140, line));
        // Taking the comment sign away gives a configuration too: no example in it is wrong.
        var uncommented = string.Join('\n', text.Split('\n').Select(line =>
            line.TrimStart().StartsWith("# ", StringComparison.Ordinal) && YamlLine(line) ? line.Replace("# ", "", StringComparison.Ordinal) : line));
        Assert.Equal("/usr/bin/pitr-archive", Load(uncommented).PostgresService("main").ArchiveProgram);

        static bool YamlLine(string line) =>
            ConfigurationLoader.KnownKeys().Any(key => line.Contains($"# {key.Path.Split('.')[^1]}: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Init_writes_the_keys_of_the_repository()
    {
        var text = ConfigurationText.Render(Full with
        {
            RepositoryUrl = "s3://company-backups/pitr",
            RepositoryOptions =
            [
                new("retry.deadline", "1m"), new("endpoint", "https://s3.example.net"), new("access-key", "${S3_KEY}"),
                new("secret-key", "file:/etc/pitr/s3 secret: \"1\" #"), new("retry.max-delay", "2s"), new("upload-limit", "20MB/s"),
                new("region", "no"), new("concurrency", "8"),
            ],
        });

        var repository = Load(text, Variables(("S3_KEY", "AK"))).Repository("vault");
        var driver = Assert.IsType<S3DriverSettings>(repository.Driver);
        Assert.Equal((new Uri("https://s3.example.net"), "no"), (driver.Options.Endpoint, driver.Options.Region));
        Assert.Equal("AK", driver.Credentials.AccessKey!.Reveal());
        Assert.Equal("file:/etc/pitr/s3 secret: \"1\" #", driver.Credentials.SecretKey!.Source);
        Assert.Equal(new LimitSettings(20_000_000, null, 8), repository.Limits);
        Assert.Equal((TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(2)), (repository.Retry.Deadline, repository.Retry.MaxDelay));
    }

    [Fact]
    public void Init_can_not_write_a_secret()
    {
        Assert.Throws<ArgumentException>(() => ConfigurationText.Render(Full with { RepositoryOptions = [new("secret-key", "hunter2")] }));
        Assert.Throws<ArgumentException>(() => ConfigurationText.Render(Full with { Connection = "Host=x;Password=hunter2" }));
        Assert.Throws<ArgumentException>(() => ConfigurationText.Render(Full with { PasswordReference = "hunter2" }));
        Assert.Throws<ArgumentException>(() => ConfigurationText.Render(Full with { PassphraseReference = "hunter2" }));
        Assert.Throws<ArgumentException>(() => ConfigurationText.Render(Full with { Connection = "nonsense" }));
    }

    [Fact]
    public void What_is_shown_reads_back_as_the_same()
    {
        var text = ConfigurationText.Render(Full with { PassphraseReference = null, PasswordReference = null });
        var shown = ConfigurationText.Show(Load(text));

        Assert.Equal(shown, ConfigurationText.Show(Load(shown)));
    }

    [Fact]
    public void What_is_shown_of_every_kind_reads_back_as_the_same()
    {
        // The mask stands where the reference was, so what needs a reference again is given one.
        var shown = ConfigurationText.Show(Load(EveryKind));

        Assert.Equal(shown, ConfigurationText.Show(Load(shown.Replace('"' + SecretValue.Mask + '"', "\"${FTP_PASSWORD}\"", StringComparison.Ordinal))));
    }

    [Fact]
    public void Overrides_are_named_with_what_is_shown()
    {
        var configuration = Load(Minimal, Variables(("PITR_LOG__LEVEL", "debug")));

        Assert.StartsWith($"# {configuration.FilePath}\n# overridden by PITR_LOG__LEVEL\n", ConfigurationText.Show(configuration), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(ConfigurationText.ShowJson(configuration));
        Assert.Equal("PITR_LOG__LEVEL", json.RootElement.GetProperty("overrides")[0].GetString());
    }

    [Fact]
    public void Every_key_is_shown_in_both_forms()
    {
        var configuration = Load(EveryKind);
        var shown = ConfigurationText.Show(configuration);
        using var json = JsonDocument.Parse(ConfigurationText.ShowJson(configuration));
        Assert.Equal(1, json.RootElement.GetProperty("format").GetInt32());

        foreach (var key in ConfigurationLoader.KnownKeys())
        {
            var element = json.RootElement.GetProperty("configuration");
            var path = key.Path.StartsWith("repositories.*", StringComparison.Ordinal) ? key.Path.Replace("*", KindWith(key.Path), StringComparison.Ordinal)
                : key.Path.StartsWith("services.*", StringComparison.Ordinal) ? key.Path.Replace("services.*", $"services.{ServiceWith(key.Path)}", StringComparison.Ordinal).Replace("*", "main", StringComparison.Ordinal)
                : key.Path;
            foreach (var part in path.Split('.'))
            {
                element = element.GetProperty(part);
            }
            Assert.Contains(key.Path.Split('.')[^1] + ": ", shown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Any_text_survives_being_written_as_YAML() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonNull<string>>(),
        text =>
        {
            // YAML can not hold a surrogate that stands alone; no path on disk decodes to one.
            var value = new string([.. text.Get.Where(character => !char.IsSurrogate(character))]);
            var stream = new YamlStream();
            stream.Load(new StringReader("key: " + YamlScalarText.Quote(value) + "\n"));
            var root = (YamlMappingNode)stream.Documents[0].RootNode;
            Assert.Equal(value, ((YamlScalarNode)root.Children[new YamlScalarNode("key")]).Value);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("/a/b-c.d_e", "/a/b-c.d_e")]
    [InlineData("file:///a", "file:///a")]
    [InlineData("5m", "5m")]
    [InlineData("true", "\"true\"")]
    [InlineData("12", "\"12\"")]
    [InlineData("", "\"\"")]
    [InlineData("a: b", "\"a: b\"")]
    [InlineData("a:", "\"a:\"")]
    [InlineData("${X}", "\"${X}\"")]
    [InlineData("a\"\\\n", "\"a\\\"\\\\\\u000a\"")]
    public void Only_what_needs_quotes_has_them(string value, string expected) => Assert.Equal(expected, YamlScalarText.Quote(value));
}
