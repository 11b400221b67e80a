using System.Text;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

public sealed class ConfigurationLoaderTests : ConfigurationFiles
{
    [Fact]
    public void The_smallest_configuration_has_every_default()
    {
        var configuration = Load(Minimal);

        Assert.Equal("/var/lib/pitr", configuration.StateDirectory);
        Assert.Equal("/run/pitr/agent.sock", configuration.Agent.Socket);
        Assert.Equal(new LogSettings("information", null), configuration.Log);
        var repository = configuration.Repository("local");
        Assert.Equal("file:///var/lib/pitr/repository", repository.Url);
        Assert.Equal(FileDriverSettings.Of("/var/lib/pitr/repository"), repository.Driver);
        Assert.Equal(LimitSettings.None, repository.Limits);
        Assert.Equal(RetrySettings.Default, repository.Retry);
        Assert.Equal(["/etc/pitr/recipient.pem"], configuration.Encryption.RecipientFiles);
        Assert.Null(configuration.Encryption.IdentityFile);
        Assert.Null(configuration.Encryption.Passphrase);
        var service = configuration.PostgresService("main");
        Assert.Equal("main", service.Name);
        Assert.Equal("postgres", service.Kind);
        Assert.Equal(["local"], service.Repositories);
        Assert.Equal(new ObjectiveSettings(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15)), service.Objectives);
        Assert.Equal(new RetentionSettings(TimeSpan.FromDays(7), 7, 4, 12, 0, 2), service.Retention);
        Assert.Null(service.DataDirectory);
        Assert.Equal("Host=/var/run/postgresql;Username=postgres", service.Connection);
        Assert.Equal(service.Connection, service.RevealConnection());
        Assert.Null(service.BinDirectory);
        Assert.Null(service.ArchiveProgram);
        Assert.Equal(new BackupSettings(BackupMethod.Auto, 1, Math.Min(Environment.ProcessorCount, 256)), service.Backup);
        Assert.Equal(32 * 1024 * 1024, service.Backup.PackSize);
        Assert.Equal(new WalSettings(1, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5)) { Stream = new StreamSettings(false, "pitr_main", TimeSpan.FromSeconds(1)) }, service.Wal);
    }

    [Fact]
    public void Everything_that_is_written_is_read()
    {
        var configuration = Load(
            """
            state-directory: /srv/pitr/state/
            agent: { socket: /srv/pitr/a.sock }
            log: { level: debug, file: /var/log/pitr.log }
            repositories:
              local: { url: "file:///srv/a%20b/" }
              other:
                url: file:/srv/other
                retry: { deadline: 30s, first-delay: 50ms, max-delay: 2s }
            encryption:
              recipients:
                - /etc/pitr/a.pem
                - /etc/pitr/escrow.pem
              identity: /root/identity.pem
              passphrase: ${PASS}
            services:
              main:
                kind: postgres
                data-directory: /var/lib/postgresql/15/main
                connection: "Host=db;Port=5433;Username=me"
                bin-directory: /usr/lib/postgresql/15/bin
                archive-program: /usr/bin/pitr-archive
                repositories: [other, local]
                objectives: { rpo: 30s, rto: 2h }
                retention: { window: 0s, daily: 1, weekly: 2, monthly: 3, yearly: 4, minimum: 5, time-zone: Asia/Seoul }
                backup: { method: stream, compression-level: 19, jobs: 3, pack-size: 50MB, dead-space: 50, limit: 20MB/s }
                wal: { compression-level: 3, push-deadline: 1m, get-deadline: 10m, prefetch: 0, prefetch-size: 1GiB, stream: true, slot: pitr_1, stream-delay: 200ms }
              second_cluster.x-1:
                kind: postgres
                repositories: [local]
            """,
            Variables(("PASS", "open sesame")));

        Assert.Equal("/srv/pitr/state", configuration.StateDirectory);
        Assert.Equal("/srv/pitr/a.sock", configuration.Agent.Socket);
        Assert.Equal(new LogSettings("debug", "/var/log/pitr.log"), configuration.Log);
        Assert.Equal(["local", "other"], configuration.Repositories.Keys);
        Assert.Equal("/srv/a b", DirectoryOf(configuration.Repository("local")));
        Assert.Equal(
            new RetrySettings(TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2)),
            configuration.Repository("other").Retry);
        Assert.Equal(["/etc/pitr/a.pem", "/etc/pitr/escrow.pem"], configuration.Encryption.RecipientFiles);
        Assert.Equal("/root/identity.pem", configuration.Encryption.IdentityFile);
        Assert.Equal("open sesame", configuration.Encryption.Passphrase!.Reveal());
        var service = configuration.PostgresService("main");
        Assert.Equal("/var/lib/postgresql/15/main", service.DataDirectory);
        Assert.Equal("Host=db;Port=5433;Username=me", service.Connection);
        Assert.Equal("/usr/lib/postgresql/15/bin", service.BinDirectory);
        Assert.Equal("/usr/bin/pitr-archive", service.ArchiveProgram);
        Assert.Equal(["other", "local"], service.Repositories);
        Assert.Equal(new ObjectiveSettings(TimeSpan.FromSeconds(30), TimeSpan.FromHours(2)), service.Objectives);
        Assert.Equal(new RetentionSettings(TimeSpan.Zero, 1, 2, 3, 4, 5) { TimeZone = TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul") }, service.Retention);
        Assert.Equal(new BackupSettings(BackupMethod.Stream, 19, 3) { PackSize = 50_000_000, DeadSpace = 50, Limit = 20_000_000 }, service.Backup);
        Assert.Equal(
            new WalSettings(3, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10))
            {
                Prefetch = 0,
                PrefetchSize = 1L << 30,
                Stream = new StreamSettings(true, "pitr_1", TimeSpan.FromMilliseconds(200)),
            },
            service.Wal);
        Assert.Equal(["main", "second_cluster.x-1"], configuration.Services.Keys);
        Assert.Equal("pitr_second_cluster_x_1", ((PostgresServiceSettings)configuration.Services["second_cluster.x-1"]).Wal.Stream.Slot);
    }

    [Theory]
    [InlineData("file:///a", "/a")]
    [InlineData("file:/a/", "/a")]
    [InlineData("FILE:///a/./b/../c//d", "/a/c/d")]
    [InlineData("file:///a%3Fb%23c%25d%20e", "/a?b#c%d e")]
    [InlineData("'file:///a b/ü:@'", "/a b/ü:@")]
    public void A_file_URL_leads_to_its_directory_whatever_its_spelling(string url, string directory) =>
        Assert.Equal(directory, DirectoryOf(Load(Minimal.Replace("file:///var/lib/pitr/repository", url, StringComparison.Ordinal)).Repository("local")));

    [Fact]
    public void Anchors_aliases_and_merges_are_followed()
    {
        var configuration = Load(
            """
            repositories: { local: { url: file:///a } }
            encryption: { recipients: &pem [/etc/a.pem] }
            services:
              main: &base
                kind: postgres
                repositories: [local]
                objectives: { rpo: 1m }
              second:
                <<: *base
                objectives: { rpo: 2m }
              third:
                <<: [*base, { data-directory: /d, kind: mysql }]
            """);

        Assert.Equal(TimeSpan.FromMinutes(1), configuration.Service("main").Objectives.Rpo);
        Assert.Equal(TimeSpan.FromMinutes(2), configuration.Service("second").Objectives.Rpo);
        Assert.Equal("/d", configuration.PostgresService("third").DataDirectory);
    }

    [Fact]
    public void An_alias_that_contains_itself_ends_in_an_error_and_not_in_a_loop()
    {
        var e = Refused("repositories: { local: { url: file:///a } }\nencryption: { recipients: [/a] }\nservices:\n  main: &a\n    <<: *a\n    kind: postgres\n    repositories: [local]\n    wal: *a\n");

        Assert.Contains(e.Problems, p => p.Message == "unknown key \"kind\" in \"services.main.wal\"");
    }

    [Theory]
    [InlineData("/x.yaml", "/y.yaml", "/x.yaml")]
    [InlineData(null, "/y.yaml", "/y.yaml")]
    [InlineData("", "/y.yaml", "/y.yaml")]
    [InlineData(null, "", "/etc/pitr/pitr.yaml")]
    [InlineData(null, null, "/etc/pitr/pitr.yaml")]
    public void The_option_goes_before_the_variable_and_that_before_the_default(string? option, string? variable, string expected) =>
        Assert.Equal(expected, ConfigurationLoader.FindPath(option, name => name == "PITR_CONFIG" ? variable : null));

    [Fact]
    public void Unusable_files_are_named_with_what_to_do()
    {
        Expect(PathOf("missing.yaml"), "does not exist", "pitr init");
        Expect(PathOf("no/such/directory.yaml"), "does not exist", "pitr init");
        Expect(Path.GetDirectoryName(PathOf("x"))!, "is a directory", "name the file");
        Expect(Write(""), "is empty", "pitr init");
        Expect(Write("# only a comment\n"), "is empty", "pitr init");
        Expect(Write("a: " + new string('x', ConfigurationLoader.MaximumLength)), "longer than 1048576 bytes", "right file");
        var latin1 = PathOf("latin1.yaml");
        File.WriteAllBytes(latin1, Encoding.Latin1.GetBytes("log: { file: /tmp/é }"));
        Expect(latin1, "not UTF-8", "UTF-8");

        static void Expect(string path, string message, string hint)
        {
            var e = Assert.Throws<ConfigurationException>(() => ConfigurationLoader.Load(path, NoEnvironment));
            Assert.Equal(path, e.File);
            Assert.StartsWith(path + ": ", e.Message, StringComparison.Ordinal);
            Assert.Contains(message, e.Message, StringComparison.Ordinal);
            Assert.Contains(hint, e.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_byte_order_mark_and_CRLF_are_no_obstacle() =>
        Assert.Equal(["local"], Load("\ufeff" + Minimal.ReplaceLineEndings("\r\n")).Repositories.Keys);

    [Fact]
    public void A_name_that_is_not_configured_is_answered_with_the_nearest_and_the_list()
    {
        var configuration = Load(Minimal.Replace("main:", "primary:", StringComparison.Ordinal));

        var service = Assert.Throws<ConfigurationException>(() => configuration.Service("primray"));
        Assert.Equal($"{configuration.FilePath}: no service is named \"primray\"", service.Message);
        Assert.Equal("did you mean \"primary\"? configured service names: primary", service.Hint);
        var repository = Assert.Throws<ConfigurationException>(() => configuration.Repository("offsite"));
        Assert.Equal("configured repository names: local", repository.Hint);
    }

    [Fact]
    public void All_problems_are_reported_at_once_in_the_order_of_the_file()
    {
        var e = Refused(
            """
            state-directory: relative
            log: { level: loud }
            repositories:
              local: { url: file:///a, retyr: {} }
              Bad: { url: file:///b }
            encryption: { recipients: [] }
            services:
              main:
                kind: postgres
                repositories: [locla]
                objectives: { rpo: 5 }
                objectives: { rto: 1x }
            """,
            Variables(("PITR_AGENT__SOKCET", "/x")));

        Assert.Equal(
            [1, 2, 4, 5, 6, 10, 11, 12, 0],
            e.Problems.Select(p => p.Line));
        Assert.Null(e.Hint);
        Assert.StartsWith("9 problems in the configuration:\n" + e.File + ":1:18: ", e.Message, StringComparison.Ordinal);
        Assert.Contains("\n  HINT: did you mean \"retry\"?", e.Message, StringComparison.Ordinal);
        Assert.Contains("\nPITR_AGENT__SOKCET: ", e.Message, StringComparison.Ordinal);
    }
}
