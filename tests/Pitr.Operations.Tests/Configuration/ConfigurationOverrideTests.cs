using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

public sealed class ConfigurationOverrideTests : ConfigurationFiles
{
    [Fact]
    public void A_variable_sets_what_the_file_leaves_out_and_replaces_what_it_says()
    {
        var configuration = Load(
            InMain("data-directory: /from/file\nobjectives: { rpo: bad unit }"),
            Variables(
                ("PITR_STATE_DIRECTORY", "/s"),
                ("PITR_AGENT__SOCKET", "/a.sock"),
                ("PITR_LOG__LEVEL", "error"),
                ("PITR_REPOSITORIES__LOCAL__URL", "file:///elsewhere"),
                ("PITR_REPOSITORIES__LOCAL__RETRY__MAX_DELAY", "3s"),
                ("PITR_ENCRYPTION__RECIPIENTS", "/a.pem, /b.pem"),
                ("PITR_ENCRYPTION__PASSPHRASE", "literal"),
                ("PITR_SERVICES__MAIN__DATA_DIRECTORY", "/from/environment"),
                ("PITR_SERVICES__MAIN__OBJECTIVES__RPO", "1m"),
                ("PITR_SERVICES__MAIN__BACKUP__PACK_SIZE", "8MiB"),
                ("PITR_SERVICES__MAIN__WAL__COMPRESSION_LEVEL", "9")));

        Assert.Equal("/s", configuration.StateDirectory);
        Assert.Equal("/a.sock", configuration.Agent.Socket);
        Assert.Equal("error", configuration.Log.Level);
        Assert.Equal("/elsewhere", DirectoryOf(configuration.Repository("local")));
        Assert.Equal(TimeSpan.FromSeconds(3), configuration.Repository("local").Retry.MaxDelay);
        Assert.Equal(["/a.pem", "/b.pem"], configuration.Encryption.RecipientFiles);
        Assert.Equal("literal", configuration.Encryption.Passphrase!.Reveal());
        var service = configuration.PostgresService("main");
        Assert.Equal("/from/environment", service.DataDirectory);
        Assert.Equal(TimeSpan.FromMinutes(1), service.Objectives.Rpo);
        Assert.Equal(8 * 1024 * 1024, service.Backup.PackSize);
        Assert.Equal(9, service.Wal.CompressionLevel);
        Assert.Equal(11, configuration.Overrides.Count);
    }

    [Fact]
    public void Every_key_can_be_overridden()
    {
        foreach (var key in ConfigurationLoader.KnownKeys())
        {
            var path = key.Path.Replace("services.*", key.Path.StartsWith("services.*", StringComparison.Ordinal) ? $"services.{ServiceWith(key.Path)}" : "", StringComparison.Ordinal).Replace("checks.*", "checks.main", StringComparison.Ordinal);
            path = path.StartsWith("repositories.*", StringComparison.Ordinal) ? path.Replace("*", KindWith(path), StringComparison.Ordinal) : path;
            var variable = "PITR_" + path.ToUpperInvariant().Replace(".", "__", StringComparison.Ordinal).Replace('-', '_');

            // Nothing can be empty, so the complaint proves that the variable was taken for the key.
            var e = Refused(EveryKind, Variables((variable, "")));

            Assert.Contains(e.Problems, p => p.File == variable && p.Line == 0 && p.Message == $"\"{path}\" is empty");
        }
    }

    [Fact]
    public void The_environment_overrides_the_keys_of_each_kind()
    {
        var configuration = Load(
            EveryKind,
            Variables(
                ("PITR_REPOSITORIES__S3__ENDPOINT", "https://s3.example.net"),
                ("PITR_REPOSITORIES__S3__ACCESS_KEY", "AK"),
                ("PITR_REPOSITORIES__S3__SECRET_KEY", "${HIDDEN}"),
                ("PITR_REPOSITORIES__SFTP__URL", "sftp://other/~/pitr"),
                ("PITR_REPOSITORIES__SFTP__CONNECTIONS", "9"),
                ("PITR_REPOSITORIES__FTP__PASSWORD", "literal"),
                ("PITR_REPOSITORIES__FTP__UPLOAD_LIMIT", "2MB/s"),
                ("PITR_SERVICES__MAIN__REQUIRED", "2"),
                ("HIDDEN", "SK")));

        var s3 = Assert.IsType<S3DriverSettings>(configuration.Repository("s3").Driver);
        Assert.Equal(new Uri("https://s3.example.net"), s3.Options.Endpoint);
        Assert.Equal("AK", s3.Credentials.AccessKey!.Reveal());
        Assert.Equal("SK", s3.Credentials.SecretKey!.Reveal());
        var sftp = Assert.IsType<SftpDriverSettings>(configuration.Repository("sftp").Driver).Options;
        Assert.Equal(("other", "pitr", 9), (sftp.Host, sftp.Path, sftp.Connections));
        Assert.Equal("literal", Assert.IsType<FtpDriverSettings>(configuration.Repository("ftp").Driver).Password.Reveal());
        Assert.Equal(2_000_000, configuration.Repository("ftp").Limits.Upload);
        Assert.Equal(2, configuration.Service("main").RequiredRepositories);
    }

    [Theory]
    [InlineData("PITR_SERVICES__MAIN__DATA_DIRECTROY", "did you mean PITR_SERVICES__MAIN__DATA_DIRECTORY?")]
    [InlineData("PITR_LOGLEVEL", "did you mean PITR_LOG__LEVEL?")]
    [InlineData("PITR_SERVICES__OTHER__KIND", "did you mean PITR_SERVICES__MAIN__KIND?")]
    [InlineData("PITR_LOG", "")]
    [InlineData("PITR_", "remove the variable")]
    [InlineData("PITR_SOMETHING_ELSE_ENTIRELY", "remove the variable")]
    public void A_variable_that_overrides_nothing_is_an_error(string variable, string hint)
    {
        var e = Refused(Minimal, Variables((variable, "hunter2")));

        Assert.Equal($"{variable}: overrides no key of the configuration", e.Message);
        Assert.Contains(hint, e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Variables_of_other_purpose_are_left_alone()
    {
        var variables = Variables(("PATH", "/bin"), ("pitr_log", "x"), ("PITR_KITWORD", "p"), ("XPITR_A", "x"));
        foreach (var name in ConfigurationLoader.ReservedVariables)
        {
            variables.Add(name, "anything");
        }
        var configuration = Load(Minimal.Replace("  recipients", "  passphrase: ${PITR_KITWORD}\n  recipients", StringComparison.Ordinal), variables);

        Assert.Equal("p", configuration.Encryption.Passphrase!.Reveal());
        Assert.Empty(configuration.Overrides);
    }

    [Fact]
    public void A_bad_value_is_reported_at_the_variable()
    {
        var e = Refused(Minimal, Variables(("PITR_SERVICES__MAIN__OBJECTIVES__RPO", "soon")));

        Assert.Equal("PITR_SERVICES__MAIN__OBJECTIVES__RPO: \"services.main.objectives.rpo\" can not be \"soon\"", e.Message);
        Assert.Equal(("PITR_SERVICES__MAIN__OBJECTIVES__RPO", 0, 0), (e.File, e.Line, e.Column));
        Assert.Equal(ConfigurationUnits.DurationHint, e.Hint);
    }

    [Fact]
    public void A_variable_that_fits_two_names_changes_neither()
    {
        var yaml = Minimal + "  my-db.x: { kind: postgres, repositories: [local] }\n  my_db_x: { kind: postgres, repositories: [local] }\n";
        var e = Refused(yaml, Variables(("PITR_SERVICES__MY_DB_X__DATA_DIRECTORY", "/d")));

        Assert.Equal("PITR_SERVICES__MY_DB_X__DATA_DIRECTORY: could mean services.my-db.x.data-directory or services.my_db_x.data-directory", e.Message);
        Assert.Equal(3, Load(yaml).Services.Count);
    }

    [Fact]
    public void What_is_below_a_refused_service_is_not_called_unknown()
    {
        var e = Refused(
            Minimal + "  videos: { kind: videos, path: /x }\n",
            Variables(("PITR_SERVICES__VIDEOS__PATH", "/y")));

        Assert.Equal("\"services.videos.kind\" can not be \"videos\" in this version", Assert.Single(e.Problems).Message);
    }

    [Fact]
    public void A_look_up_is_enough_where_no_names_are_at_hand()
    {
        var path = Write(Minimal);

        var configuration = ConfigurationLoader.Load(path, name => name == "PITR_LOG__LEVEL" ? "debug" : null);

        Assert.Equal("debug", configuration.Log.Level);
        Assert.Equal(["PITR_LOG__LEVEL"], configuration.Overrides);
    }
}
