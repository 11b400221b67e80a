using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Archive;
using Pitr.Operations.Services;

namespace Pitr.Operations.Retention;

/// <summary>Chooses by the rules of the service's <c>retention</c>.</summary>
/// <param name="rules">The rules, with the present.</param>
/// <param name="timelines">What the archive said of each timeline, in all repositories together.</param>
public sealed class RetentionChoice(RetentionRules rules, IReadOnlyList<TimelineTrace> timelines) : IBackupChoice
{
    /// <summary>What the rules said of each backup when they were asked last.</summary>
    public RetentionVerdicts? Verdicts { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyList<ChosenBackup> Choose(IReadOnlyList<BackupDocument> backups)
    {
        Verdicts = rules.Judge(backups, timelines);
        return [.. Verdicts.Backups.Where(v => v.Goes).Select(v => new ChosenBackup(BackupId.Parse(v.Backup.Id), v.Why)).OrderBy(c => c.Id)];
    }

    /// <inheritdoc/>
    public bool RemovesWal { get; private init; } = true;

    /// <summary>Reads what it needs to know of a service.</summary>
    /// <exception cref="Pitr.Storage.StorageException">A repository could not be listed to its end.</exception>
    public static async Task<RetentionChoice> PrepareAsync(PackedService service, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(service);
        var rules = new RetentionRules(service.Retention, service.Clock.GetUtcNow());
        if (service is not PostgresService postgres)
        {
            return new RetentionChoice(rules, []) { RemovesWal = false };
        }

        var archive = new WalArchive(postgres);
        if (!await archive.ExistsAsync(cancellation))
        {
            return new RetentionChoice(rules, []);
        }

        var wal = await archive.ListAsync(cancellation);
        service.Repositories.RequireComplete();
        return new RetentionChoice(rules, TimelineTrace.Of(wal));
    }

    /// <inheritdoc/>
    public NeededWal? NeededWal(IReadOnlyList<BackupDocument> remaining, IReadOnlyList<TimelineTrace> now) => Retention.NeededWal.Find(remaining, now, rules);
}
