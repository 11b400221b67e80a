namespace Pitr.Format.Catalog;

/// <summary>One stream of a dump, as the tool wrote it.</summary>
/// <param name="Name">What it is called in this dump, e.g. the name of a database; unique there.</param>
/// <param name="Format">What the bytes are: "pg_dump-custom", "pg_dump-directory", "sql", "mysql-accounts", "rdb", "mongodb-archive", "qdrant-snapshot".</param>
/// <param name="Bytes">Length of the stream.</param>
/// <param name="Sha256">SHA-256 of the stream, lower-case hexadecimal.</param>
/// <param name="FirstPart">Number of the part it begins with.</param>
/// <param name="PartCount">How many parts it has, one after the other; at least 1.</param>
public sealed record DumpStreamRecord(string Name, string Format, long Bytes, string Sha256, int FirstPart, int PartCount)
{
    static readonly Dictionary<string, string> NoProperties = [];

    /// <summary>The database it holds; null where it holds something else.</summary>
    public string? Database { get; init; }

    /// <summary>What has to be known to make the database anew, by name: "encoding", "collate", …</summary>
    // Generated readers set a missing member to null, past the initializer.
    public IReadOnlyDictionary<string, string> Properties { get; init => field = value ?? NoProperties; } = NoProperties;

    /// <summary>How much it holds, as the server said or as the stream itself: tables and rows, keys, documents, points, accounts; empty where nobody counted.</summary>
    public IReadOnlyList<DumpCount> Counts { get; init => field = value ?? []; } = [];
}
