namespace Pitr.Postgres.Dumps;

/// <summary>Forms of a dump (pg_dump's <c>--format</c>).</summary>
public enum DumpFormat
{
    /// <summary>One compressed file for pg_restore, which can take single objects out of it.</summary>
    Custom,

    /// <summary>An SQL script for psql.</summary>
    Plain,

    /// <summary>A directory for pg_restore, one file for each table.</summary>
    Directory,
}
