namespace Pitr.Postgres.Dumps;

/// <summary>What <see cref="PgDump"/> writes: everything, or the tables, or the schemas; not both.</summary>
public sealed record PgDumpOptions
{
    /// <summary>Path of pg_dump.</summary>
    public required string Program { get; init; }

    /// <summary>As Npgsql reads it, with the database.</summary>
    public required string ConnectionString { get; init; }

    public DumpFormat Format { get; init; }

    /// <summary>File, or with <see cref="DumpFormat.Directory"/> directory, that pg_dump itself writes and makes durable; null for <see cref="PgDump.Output"/>.</summary>
    public string? File { get; init; }

    /// <summary>With <see cref="DumpFormat.Directory"/>, how many tables are dumped at once, each over a connection of its own; one more looks on. 1: over one alone.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Leaves the files to whoever takes them at once: nothing is made durable.</summary>
    public bool NoSync { get; init; }

    /// <summary>Does not compress: for what is unpacked again at once.</summary>
    public bool Uncompressed { get; init; }

    /// <summary>Definitions without rows.</summary>
    public bool SchemaOnly { get; init; }

    /// <summary>Patterns of tables.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>Patterns of schemas.</summary>
    public IReadOnlyList<string> Schemas { get; init; } = [];
}
