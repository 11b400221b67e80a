namespace Pitr.Operations.Setup;

/// <summary>A setting PostgreSQL needs for archiving.</summary>
/// <param name="Name">Name of the setting.</param>
/// <param name="Value">The value, as ALTER SYSTEM takes it.</param>
/// <param name="Why">What it is for, one line.</param>
public sealed record ServerSettingAdvice(string Name, string Value, string Why)
{
    /// <summary>What a service needs.</summary>
    /// <param name="archiveCommand">The archive_command of the service.</param>
    public static IReadOnlyList<ServerSettingAdvice> For(string archiveCommand) =>
    [
        new("wal_level", "replica", "WAL that can be replayed elsewhere"),
        new("archive_mode", "on", "hand every finished segment to archive_command"),
        new("archive_command", archiveCommand, "success only when every required repository holds the segment durably"),
        new("archive_timeout", "60", "a quiet server hands over its segment after a minute at the latest: bounds the RPO"),
    ];

    /// <summary>The line of postgresql.conf, whose strings know backslash escapes and no line ends (PostgreSQL src/backend/utils/misc/guc-file.l).</summary>
    public string ToLine() =>
        $"{Name} = '{Value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>The SQL statement that sets it.</summary>
    public string ToSql() => $"ALTER SYSTEM SET {Name} = '{Value.Replace("'", "''", StringComparison.Ordinal)}'";
}
