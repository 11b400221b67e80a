namespace Pitr.Operations.Configuration;

/// <summary>A service of <c>kind: mongodb</c>: databases of a MongoDB server.</summary>
/// <inheritdoc cref="ServiceSettings"/>
public sealed record MongodbSettings(
    string Name,
    IReadOnlyList<string> Repositories,
    ObjectiveSettings Objectives,
    RetentionSettings Retention) : DumpServiceSettings(Name, KindName, Repositories, Objectives, Retention)
{
    /// <summary>The word for this kind in the configuration and in the catalog.</summary>
    public const string KindName = "mongodb";

    /// <summary>The port of MongoDB.</summary>
    public const int DefaultPort = 27017;

    /// <summary>The database that knows the user unless another is named.</summary>
    public const string DefaultAuthenticationDatabase = "admin";

    /// <summary>Where the server is; what counts unless there is a URI.</summary>
    public required NetworkPlace Server { get; init; }

    /// <summary>A connection string (mongodb:// or mongodb+srv://), for replica sets, TLS and the like, with everything a connection needs; null: host, port and user count.</summary>
    public SecretValue? Uri { get; init; }

    /// <summary>Who logs in; null for nobody.</summary>
    public string? User { get; init; }

    /// <summary>The database that knows the user.</summary>
    public string AuthenticationDatabase { get; init; } = DefaultAuthenticationDatabase;

    /// <summary>Names of the databases that are dumped, each by itself; none: everything, users and roles included, in one archive.</summary>
    public IReadOnlyList<string> Databases { get; init; } = [];

    /// <summary>Whether what is written meanwhile is dumped as well, so that everything is of one moment. Only for members of a replica set, and without <see cref="Databases"/>.</summary>
    public bool WithOplog { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<SecretValue?> Secrets => [Password, Uri];
}
