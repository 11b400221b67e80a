namespace Pitr.Operations.Dumps;

/// <summary>A stream that a dump will have.</summary>
/// <param name="Name">What it is called in this dump; unique there.</param>
/// <param name="Format">What the bytes are: "pg_dump-custom", "pg_dump-directory", "sql", "mysql-accounts", "rdb", "mongodb-archive", "qdrant-snapshot".</param>
/// <param name="Database">The database it holds; null where it holds something else.</param>
public sealed record PlannedStream(string Name, string Format, string? Database)
{
    /// <summary>What has to be known to make the database anew, by name.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();
}
