using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Retention;

/// <summary>
/// Backups whose entries may still lie in a repository although they shall go: written down before the first entry goes, so that neither a repository that
/// is away nor a kill makes half of a removal last. Kept like debts, in <c>expired/REPOSITORY/KEY</c> below the service's state directory.
/// </summary>
/// <param name="service">Whose backups.</param>
sealed class PendingRemovals(OpenedService service)
{
    readonly CatalogPlace _place = CatalogPlace.Of(service);
    readonly DebtLedger _ledger = new(Path.Combine(service.StateDirectory, "expired"));

    /// <summary>Those of a repository, oldest first.</summary>
    public IReadOnlyList<BackupId> In(string repository) =>
        [.. _ledger.Owed(repository).Select(debt => RepositoryKey.Parse(debt.Key).Backup).OfType<BackupId>().Order()];

    /// <summary>Writes down that a backup shall go from a repository; durable on return.</summary>
    /// <exception cref="RepositoryUnavailableException">The state directory cannot be written.</exception>
    public void Add(string repository, BackupId backup)
    {
        try
        {
            _ledger.Owe(repository, _place.EntryKey(backup));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RepositoryUnavailableException(
                $"that backup {backup} shall go from repository {repository} could not be written down: {e.Message}",
                "nothing was removed; make room in the state directory, and check its owner", e);
        }
    }

    /// <summary>Strikes a backup off: its entry is gone, or it shall stay after all.</summary>
    public void Remove(string repository, BackupId backup) => _ledger.Settle(repository, _place.EntryKey(backup));
}
