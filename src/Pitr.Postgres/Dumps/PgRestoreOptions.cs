namespace Pitr.Postgres.Dumps;

/// <summary>How <see cref="PgRestore"/> works.</summary>
public sealed record PgRestoreOptions
{
    /// <summary>Path of pg_restore.</summary>
    public required string Program { get; init; }

    /// <summary>As Npgsql reads it, with the database; may hold a password.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>The directory of a dump in directory format; null for one in custom format, which comes through <see cref="PgRestore.Input"/>.</summary>
    public string? Directory { get; init; }

    /// <summary>How many tables, indexes and constraints are made at once, each over a connection of its own and in a transaction of its own; 1: everything in one transaction. Only with <see cref="Directory"/>.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Everything belongs to the role that connects, instead of to those that owned it.</summary>
    public bool NoOwner { get; init; }

    /// <summary>Nothing is granted.</summary>
    public bool NoPrivileges { get; init; }

    /// <summary>Everything goes into the database's own tablespace.</summary>
    public bool NoTablespaces { get; init; }

    /// <summary>Names of the only tables, without their schemas, indexes and constraints; none: everything.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>Names of the only schemas; none: everything.</summary>
    public IReadOnlyList<string> Schemas { get; init; } = [];
}
