namespace Pitr.Postgres.Sessions;

/// <summary>pg_stat_archiver: what archive_command has done since the statistics were reset.</summary>
/// <param name="LastArchivedWal">Null when nothing was archived yet.</param>
/// <param name="LastFailedWal">Null when nothing has failed yet.</param>
public sealed record ArchiverState(
    long ArchivedCount,
    string? LastArchivedWal,
    DateTimeOffset? LastArchivedTime,
    long FailedCount,
    string? LastFailedWal,
    DateTimeOffset? LastFailedTime,
    DateTimeOffset? StatisticsReset)
{
    /// <summary>The newest attempt failed: archiving is stuck until archive_command succeeds.</summary>
    public bool IsFailing => LastFailedTime is { } failed && (LastArchivedTime is not { } archived || failed > archived);
}
