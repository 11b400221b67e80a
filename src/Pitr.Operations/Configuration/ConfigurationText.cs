using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pitr.Operations.Configuration;

/// <summary>Writes configurations: a new one for <c>pitr init</c>, the effective one for <c>pitr config show</c>.</summary>
public static class ConfigurationText
{
    /// <summary>Version of <see cref="ShowJson"/>; grows only when a member changes its meaning or goes.</summary>
    public const int JsonFormat = 1;

    /// <summary>What a repository's URL may begin with.</summary>
    public static IReadOnlyList<string> RepositorySchemes => RepositoryBinding.Schemes;

    static readonly JsonWriterOptions JsonOptions = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The commented YAML of a new configuration. Reads back without a complaint; holds no secret.</summary>
    /// <exception cref="ArgumentException">A reference is a secret itself, or the connection holds a password.</exception>
    public static string Render(NewConfiguration configuration)
    {
        RequireNoSecret(configuration);
        return NewConfigurationText.Render(configuration);
    }

    /// <summary>Everything that applies, defaults included, as YAML; every secret is <see cref="SecretValue.Mask"/>.</summary>
    public static string Show(PitrConfiguration configuration)
    {
        var text = new StringBuilder();
        text.Append("# ").Append(configuration.FilePath.ReplaceLineEndings(" ")).Append('\n');
        foreach (var variable in configuration.Overrides)
        {
            text.Append("# overridden by ").Append(variable).Append('\n');
        }
        Tree(configuration).WriteYaml(text);
        return text.ToString();
    }

    /// <summary>The same as JSON: the keys of the file, below <c>format</c> (<see cref="JsonFormat"/>), <c>file</c> and <c>overrides</c>.</summary>
    public static string ShowJson(PitrConfiguration configuration)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, JsonOptions))
        {
            new ConfigurationTree()
                .Add("format", JsonFormat)
                .Add("file", configuration.FilePath)
                .Add("overrides", configuration.Overrides)
                .Add("configuration", Tree(configuration))
                .WriteJson(json);
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    static ConfigurationTree Tree(PitrConfiguration configuration)
    {
        var repositories = new ConfigurationTree();
        foreach (var repository in configuration.Repositories.Values)
        {
            repositories.Add(repository.Name, Tree(repository));
        }
        var services = new ConfigurationTree();
        foreach (var service in configuration.Services.Values)
        {
            services.Add(service.Name, Tree(service));
        }
        return new ConfigurationTree()
            .Add("state-directory", configuration.StateDirectory)
            .Add("agent", new ConfigurationTree().Add("socket", configuration.Agent.Socket))
            .Add("log", new ConfigurationTree().Add("level", configuration.Log.Level).Add("file", configuration.Log.File))
            .Add("repositories", repositories)
            .Add("encryption", new ConfigurationTree()
                .Add("recipients", configuration.Encryption.RecipientFiles)
                .Add("identity", configuration.Encryption.IdentityFile)
                .Add("passphrase", configuration.Encryption.Passphrase))
            .Add("services", services)
            .Add("applications", Tree(configuration.Applications));
    }

    static ConfigurationTree Tree(RepositorySettings repository)
    {
        var tree = new ConfigurationTree().Add("url", repository.Url);
        repository.Driver.AddTo(tree);
        return tree
            .Add("upload-limit", repository.Limits.Upload is { } upload ? ConfigurationUnits.FormatRate(upload) : null)
            .Add("download-limit", repository.Limits.Download is { } download ? ConfigurationUnits.FormatRate(download) : null)
            .Add("concurrency", repository.Limits.Concurrency)
            .Add("retry", new ConfigurationTree()
            .Add("deadline", repository.Retry.Deadline)
            .Add("first-delay", repository.Retry.FirstDelay)
            .Add("max-delay", repository.Retry.MaxDelay));
    }

    static ConfigurationTree Tree(ServiceSettings service)
    {
        var tree = new ConfigurationTree().Add("kind", service.Kind);
        if (service is PostgresServiceSettings postgres)
        {
            tree.Add("data-directory", postgres.DataDirectory)
                .Add("connection", postgres.Connection)
                .Add("password", postgres.Password)
                .Add("bin-directory", postgres.BinDirectory)
                .Add("archive-program", postgres.ArchiveProgram)
                .Add("server", Tree(postgres.Server));
        }
        else if (service is FilesServiceSettings files)
        {
            AddTo(tree, files);
        }
        else if (service is DumpServiceSettings dump)
        {
            AddTo(tree, dump);
        }
        tree.Add("repositories", service.Repositories)
            .Add("required", service.RequiredRepositories == service.Repositories.Count ? "all" : service.RequiredRepositories)
            .Add("objectives", new ConfigurationTree().Add("rpo", service.Objectives.Rpo).Add("rto", service.Objectives.Rto))
            .Add("retention", new ConfigurationTree()
                .Add("window", service.Retention.Window)
                .Add("daily", service.Retention.Daily)
                .Add("weekly", service.Retention.Weekly)
                .Add("monthly", service.Retention.Monthly)
                .Add("yearly", service.Retention.Yearly)
                .Add("minimum", service.Retention.Minimum)
                .Add("time-zone", service.Retention.TimeZone.Id));
        tree.Add("after", service.After.Count == 0 ? null : service.After).Add("applications", Tree(service.Applications));
        return service is PostgresServiceSettings { Backup: var backup, Wal: var wal, Verify: var verify, Drill: var drill }
            ? tree
                .Add("backup", Packs(new ConfigurationTree().Add("method", backup.Method.ToString().ToLowerInvariant()), backup).Add("wal-deadline", backup.WalDeadline))
                .Add("wal", new ConfigurationTree()
                    .Add("compression-level", wal.CompressionLevel)
                    .Add("push-deadline", wal.PushDeadline)
                    .Add("get-deadline", wal.GetDeadline)
                    .Add("prefetch", wal.Prefetch)
                    .Add("prefetch-size", ConfigurationUnits.FormatSize(wal.PrefetchSize))
                    .Add("stream", wal.Stream.IsOn ? "true" : "false")
                    .Add("slot", wal.Stream.Slot)
                    .Add("stream-delay", wal.Stream.Delay))
                .Add("verify", new ConfigurationTree().Add("stale", verify.Stale))
                .Add("drill", Tree(drill))
            : tree;
    }

    static ConfigurationTree Packs(ConfigurationTree tree, BackupSettings backup) => tree
        .Add("compression-level", backup.CompressionLevel)
        .Add("jobs", backup.Jobs)
        .Add("pack-size", ConfigurationUnits.FormatSize(backup.PackSize))
        .Add("dead-space", backup.DeadSpace)
        .Add("limit", backup.Limit is { } limit ? ConfigurationUnits.FormatRate(limit) : null);

    // Lists that are empty are left out, as they were: an empty list could not be read again.
    static void AddTo(ConfigurationTree tree, FilesServiceSettings files) => tree
        .Add("paths", files.Paths.Count == 0 ? null : files.Paths)
        .Add("include", files.Include.Count == 0 ? null : files.Include)
        .Add("exclude", files.Exclude.Count == 0 ? null : files.Exclude)
        .Add("one-file-system", files.OneFileSystem ? "true" : "false")
        .Add("journal", files.Journal is { } journal ? Tree(journal) : null)
        .Add("backup", Packs(new ConfigurationTree(), files.Backup))
        .Add("drill", Tree(files.Drill))
        .Add("verify", new ConfigurationTree().Add("stale", files.Verify.Stale));

    static ConfigurationTree Tree(JournalSettings journal) => new ConfigurationTree()
        .Add("directory", journal.Directory)
        .Add("units", journal.Units.Count == 0 ? null : journal.Units)
        .Add("identifiers", journal.Identifiers.Count == 0 ? null : journal.Identifiers)
        .Add("matches", journal.Matches.Count == 0 ? null : journal.Matches)
        .Add("keep", journal.Keep)
        .Add("bin-directory", journal.BinDirectory);

    static void AddTo(ConfigurationTree tree, DumpServiceSettings dump)
    {
        _ = dump switch
        {
            PostgresDumpSettings postgres => tree.Add("connection", postgres.Connection).Add("databases", Databases(postgres.Databases))
                .Add("jobs", postgres.Jobs)
                .Add("staging-directory", postgres.StagingDirectory)
                .Add("staging-size", ConfigurationUnits.FormatSize(postgres.StagingSize)),
            MysqlSettings mysql => Place(tree, mysql.Server).Add("user", mysql.User).Add("option-file", mysql.OptionFile).Add("databases", Databases(mysql.Databases)),
            RedisSettings redis => Place(tree, redis.Server).Add("user", redis.User).Add("data-directory", redis.DataDirectory).Add("server", Tree(redis.Control)),
            // A URI says all of it; beside one the rest could not be read again.
            MongodbSettings { Uri: not null } mongodb => tree.Add("uri", mongodb.Uri).Add("databases", Databases(mongodb.Databases)).Add("oplog", Flag(mongodb.WithOplog)),
            MongodbSettings mongodb => tree.Add("uri", null).Add("host", mongodb.Server.Host).Add("port", mongodb.Server.Port).Add("user", mongodb.User)
                .Add("authentication-database", mongodb.AuthenticationDatabase).Add("databases", Databases(mongodb.Databases)).Add("oplog", Flag(mongodb.WithOplog)),
            QdrantSettings qdrant => tree.Add("url", qdrant.Url.OriginalString).Add("api-key", qdrant.ApiKey).Add("collections", Databases(qdrant.Collections)).Add("timeout", qdrant.Timeout),
            _ => tree,
        };
        tree.Add("password", dump.Password)
            .Add("bin-directory", dump.BinDirectory)
            .Add("backup", new ConfigurationTree()
                .Add("compression-level", dump.Backup.CompressionLevel)
                .Add("part-size", ConfigurationUnits.FormatSize(dump.Backup.PartSize)))
            .Add("drill", Tree(dump.Drill))
            .Add("verify", new ConfigurationTree().Add("stale", dump.Verify.Stale));

        // Left out, as it was: an empty list could not be read again.
        static IReadOnlyList<string>? Databases(IReadOnlyList<string> names) => names.Count == 0 ? null : names;

        static string Flag(bool isOn) => isOn ? "true" : "false";

        static ConfigurationTree Place(ConfigurationTree tree, NetworkPlace place) =>
            tree.Add("host", place.Host).Add("port", place.Port).Add("socket", place.Socket);
    }

    static ConfigurationTree Tree(ServerSettings server) =>
        new ConfigurationTree().Add("stop-command", server.StopCommand).Add("start-command", server.StartCommand).Add("timeout", server.Timeout);

    static ConfigurationTree Tree(ApplicationSettings applications) => new ConfigurationTree()
        .Add("stop-command", Words(applications.StopCommand))
        .Add("start-command", Words(applications.StartCommand))
        .Add("health-check", Words(applications.HealthCheck))
        .Add("timeout", applications.Timeout);

    static object? Words(CommandText? command) => command is { IsShell: true } ? command.Words[0] : command?.Words;

    static ConfigurationTree Tree(DrillSettings drill)
    {
        var checks = new ConfigurationTree();
        foreach (var check in drill.Checks)
        {
            checks.Add(check.Name, new ConfigurationTree().Add("database", check.Database.Length > 0 ? check.Database : null).Add(check.Language, check.Sql).Add("expect", check.Expect.Text));
        }
        return new ConfigurationTree()
            .Add("check-timeout", drill.CheckTimeout)
            .Add("row-counts", DrillBinding.RowCounts(drill))
            .Add("checks", checks);
    }

    static ConfigurationTree Tree(FilesDrillSettings drill)
    {
        var checks = new ConfigurationTree();
        foreach (var check in drill.Checks)
        {
            var (run, path) = (check as RunCheckSettings, check as PathCheckSettings);
            checks.Add(check.Name, new ConfigurationTree()
                .Add(RunCheckSettings.Word, Words(run?.Command))
                .Add(DrillBinding.ExpectKey, run?.Expect?.Text)
                .Add(PathCheckSettings.Word, path?.Path)
                .Add("min-files", path?.MinFiles)
                .Add("max-age", path?.MaxAge is { } age ? ConfigurationUnits.Format(age) : null));
        }
        return new ConfigurationTree().Add("check-timeout", drill.CheckTimeout).Add("checks", checks);
    }

    static void RequireNoSecret(NewConfiguration configuration)
    {
        if (!PostgresConnectionText.TryParse(configuration.Connection, out _, out var password, out var problem))
        {
            throw new ArgumentException("the connection " + problem, nameof(configuration));
        }
        if (password is not null)
        {
            throw new ArgumentException("the connection holds a password; give a reference to it instead", nameof(configuration));
        }
        var secrets = configuration.RepositoryOptions.Where(option => NewConfiguration.IsSecret(option.Key)).Select(option => option.Value);
        foreach (var reference in (string?[])[configuration.PassphraseReference, configuration.PasswordReference, .. secrets])
        {
            if (reference is not null && !SecretReference.IsReference(reference))
            {
                throw new ArgumentException("a secret must be given as ${VARIABLE} or file:/path", nameof(configuration));
            }
        }
    }
}
