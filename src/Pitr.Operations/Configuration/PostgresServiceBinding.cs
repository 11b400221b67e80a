namespace Pitr.Operations.Configuration;

/// <summary>Reads the keys of a service of <c>kind: postgres</c>.</summary>
static class PostgresServiceBinding
{
    public static PostgresServiceSettings Bind(
        YamlSection section,
        IReadOnlyList<string> repositories,
        ObjectiveSettings objectives,
        RetentionSettings retention)
    {
        var dataDirectory = section.OptionalPath("data-directory");
        var (connection, password) = Connection(section);
        return new PostgresServiceSettings(section.Name, repositories, objectives, retention)
        {
            DataDirectory = dataDirectory,
            Connection = connection,
            Password = password,
            BinDirectory = section.OptionalPath("bin-directory"),
            Backup = ConfigurationBinding.Backup(section.Section("backup")),
            Wal = ConfigurationBinding.Wal(section.Section("wal"), section.Name),
            Drill = DrillBinding.Bind(section.Section("drill")),
            Verify = Verify(section.Section("verify")),
            Server = Server(section.Section("server")),
            ArchiveProgram = section.OptionalPath("archive-program"),
        };
    }

    static ServerSettings Server(YamlSection section)
    {
        const string type = "shell command";
        var settings = new ServerSettings(
            section.OptionalText("stop-command", type)?.Text,
            section.OptionalText("start-command", type)?.Text,
            section.Duration("timeout", ServerSettings.Default.Timeout, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)));
        section.Close();
        return settings;
    }

    internal static VerifySettings Verify(YamlSection section)
    {
        var settings = new VerifySettings(section.Duration("stale", VerifySettings.Default.Stale, TimeSpan.FromHours(1), TimeSpan.FromDays(3650)));
        section.Close();
        return settings;
    }

    internal static (string Connection, SecretValue? Password) Connection(YamlSection section)
    {
        const string key = "connection";
        var own = section.Secret("password");
        if (section.OptionalText(key, "connection string", PostgresServiceSettings.DefaultConnection) is not { } written)
        {
            return (PostgresServiceSettings.DefaultConnection, own);
        }
        if (!PostgresConnectionText.TryParse(written.Text, out var connection, out var password, out var problem))
        {
            section.Report(written.Where, $"{section.Of(key)} {problem}", PostgresConnectionText.Notations);
            return (PostgresServiceSettings.DefaultConnection, own);
        }
        if (password is null)
        {
            return (connection, own);
        }
        var inner = section.SecretFrom(key, written with { Text = password });
        if (own is not null)
        {
            section.Report(written.Where, $"{section.Of(key)} holds a password, and the key \"password\" does too", "keep one of them");
        }
        return (connection, inner);
    }
}
