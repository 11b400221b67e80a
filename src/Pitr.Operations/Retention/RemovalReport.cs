namespace Pitr.Operations.Retention;

/// <summary>What went, or would go.</summary>
/// <param name="Service">Whose backups.</param>
/// <param name="Backups">Those that were chosen, oldest first, also where earlier runs could not finish.</param>
/// <param name="Repositories">Each repository of the service, in configured order.</param>
public sealed record RemovalReport(string Service, IReadOnlyList<ChosenBackup> Backups, IReadOnlyList<RepositoryRemovals> Repositories)
{
    /// <summary>What the rules said of each backup, in the cluster's order; null when backups were named.</summary>
    public RetentionVerdicts? Verdicts { get; init; }

    /// <summary>Whether they are dumps: what is counted as packs are their parts then, and there is no WAL.</summary>
    public bool HasDumps { get; init; }

    /// <summary>Whether something is left that a later run has to do.</summary>
    public bool IsUnfinished => Repositories.Any(r => r.Reason is not null || r.Pending.Count > 0);
}
