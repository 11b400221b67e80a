namespace Pitr.Operations.Configuration;

/// <summary>Reads the keys of the services whose backups are dumps.</summary>
static class DumpServiceBinding
{
    const string LocalHost = "127.0.0.1";
    const long MebiByte = 1024 * 1024;
    const long LargestStaging = 1024 * 1024 * MebiByte;

    static readonly TimeSpan ShortestTimeout = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(1);

    /// <summary>The kinds, as they are written.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [PostgresDumpSettings.KindName, MysqlSettings.KindName, RedisSettings.KindName, MongodbSettings.KindName, QdrantSettings.KindName];

    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="section">The service.</param>
    /// <param name="repositories">Names of its repositories.</param>
    /// <param name="objectives">Its objectives.</param>
    /// <param name="retention">Its retention.</param>
    public static DumpServiceSettings Bind(string kind, YamlSection section, IReadOnlyList<string> repositories, ObjectiveSettings objectives, RetentionSettings retention)
    {
        DumpServiceSettings service = kind switch
        {
            PostgresDumpSettings.KindName => Postgres(section, repositories, objectives, retention),
            MysqlSettings.KindName => new MysqlSettings(section.Name, repositories, objectives, retention)
            {
                Server = Place(section, MysqlSettings.DefaultPort),
                User = User(section),
                Databases = Databases(section),
                Password = section.Secret("password"),
                OptionFile = section.OptionalPath("option-file"),
            },
            MongodbSettings.KindName => Mongodb(section, repositories, objectives, retention),
            QdrantSettings.KindName => Qdrant(section, repositories, objectives, retention),
            _ => new RedisSettings(section.Name, repositories, objectives, retention)
            {
                Server = Place(section, RedisSettings.DefaultPort),
                User = User(section),
                Password = section.Secret("password"),
                DataDirectory = section.OptionalPath("data-directory"),
                Control = PostgresServiceBinding.Server(section.Section("server")),
            },
        };
        return service with
        {
            BinDirectory = kind == QdrantSettings.KindName ? null : section.OptionalPath("bin-directory"),
            Backup = Storage(section.Section("backup")),
            Verify = PostgresServiceBinding.Verify(section.Section("verify")),
            Drill = DrillBinding.Bind(section.Section("drill"), kind),
        };
    }

    static PostgresDumpSettings Postgres(YamlSection section, IReadOnlyList<string> repositories, ObjectiveSettings objectives, RetentionSettings retention)
    {
        var (connection, password) = PostgresServiceBinding.Connection(section);
        return new PostgresDumpSettings(section.Name, repositories, objectives, retention)
        {
            Connection = connection,
            Password = password,
            Databases = Databases(section),
            Jobs = section.Integer("jobs", 1, 1, PostgresDumpSettings.MostJobs),
            StagingDirectory = section.OptionalPath("staging-directory"),
            StagingSize = section.Size("staging-size", PostgresDumpSettings.DefaultStagingSize, MebiByte, LargestStaging),
        };
    }

    static MongodbSettings Mongodb(YamlSection section, IReadOnlyList<string> repositories, ObjectiveSettings objectives, RetentionSettings retention)
    {
        var service = new MongodbSettings(section.Name, repositories, objectives, retention)
        {
            Server = Address(section, MongodbSettings.DefaultPort, null),
            Uri = section.Secret("uri"),
            User = User(section),
            AuthenticationDatabase = section.OptionalText("authentication-database", "name of a database", MongodbSettings.DefaultAuthenticationDatabase)?.Text ?? MongodbSettings.DefaultAuthenticationDatabase,
            Databases = Databases(section),
            Password = section.Secret("password"),
            WithOplog = section.Flag("oplog"),
        };
        if (service.WithOplog && service.Databases.Count > 0)
        {
            section.Report(section.WhereIs("oplog"), $"{section.Of("oplog")} is for dumps of everything, but \"databases\" names some", "leave one of the two out");
        }

        if (service.Uri is not null && new[] { "host", "port", "user", "authentication-database" }.FirstOrDefault(section.Holds) is { } other)
        {
            section.Report(section.WhereIs(other), $"{section.Of(other)} is in the way of {section.Of("uri")}, which says where the server is and who logs in", "leave one of the two out");
        }

        return service;
    }

    static QdrantSettings Qdrant(YamlSection section, IReadOnlyList<string> repositories, ObjectiveSettings objectives, RetentionSettings retention) => new(section.Name, repositories, objectives, retention)
    {
        Url = section.OptionalHttpUrl("url", "name the key with api-key: file:/path", QdrantSettings.DefaultUrl) ?? new Uri(QdrantSettings.DefaultUrl),
        ApiKey = section.Secret("api-key"),
        Collections = [.. section.OptionalList("collections", "list of collections").Select(name => name.Text)],
        Timeout = section.Duration("timeout", QdrantSettings.DefaultTimeout, ShortestTimeout, LongestTimeout),
    };

    static NetworkPlace Place(YamlSection section, int defaultPort) => Address(section, defaultPort, section.OptionalPath("socket"));

    static NetworkPlace Address(YamlSection section, int defaultPort, string? socket) => new(
        section.OptionalText("host", "host name or address", LocalHost)?.Text ?? LocalHost,
        section.Integer(
            "port", defaultPort, 1, ushort.MaxValue, $"{MysqlSettings.DefaultPort} of mysql, {RedisSettings.DefaultPort} of redis, {MongodbSettings.DefaultPort} of mongodb"),
        socket);

    static string? User(YamlSection section) => section.OptionalText("user", "name of a user")?.Text;

    static IReadOnlyList<string> Databases(YamlSection section) => [.. section.OptionalList("databases", "list of databases").Select(name => name.Text)];

    static DumpStorageSettings Storage(YamlSection section)
    {
        var defaults = DumpStorageSettings.Default;
        var settings = new DumpStorageSettings(
            section.Integer("compression-level", defaults.CompressionLevel, 1, 19),
            section.Size("part-size", defaults.PartSize, MebiByte, 256 * MebiByte));
        section.Close();
        return settings;
    }
}
