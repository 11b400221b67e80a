using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Services;
using Pitr.Postgres.Sessions;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>
/// Finds what interrupted backups of this host have left that a new one can take over. Their journals are removed when they can be of no use any more.
/// </summary>
sealed class InterruptedBackupFinder(PostgresService service)
{
    readonly JournalDirectory _journals = new(service);

    /// <summary>Finds it.</summary>
    /// <param name="facts">About the server.</param>
    /// <param name="start">Where the new backup begins.</param>
    /// <param name="databases">The databases of the server, as of now, in backup mode.</param>
    /// <param name="basis">The complete backup that the new one is compared with.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <returns>Null when there is nothing.</returns>
    public async Task<InterruptedBackups?> FindAsync(ServerFacts facts, Lsn start, IReadOnlyDictionary<string, string> databases, BackupBase? basis, CancellationToken cancellation)
    {
        var found = new List<InterruptedBackup>();
        try
        {
            foreach (var path in _journals.Paths())
            {
                if (Open(path) is { } backup)
                {
                    found.Add(backup);
                }
            }

            foreach (var backup in found.ToArray())
            {
                var unfit = Unfit(backup, facts, start, basis);
                if (unfit is null)
                {
                    backup.KeepOnly(await StoredAsync(backup, cancellation));
                    if (backup.Bytes > 0)
                    {
                        continue;
                    }
                }

                service.Log.Information("nothing of the interrupted backup {Backup} is taken over: {Reason}", backup.Id.ToString(), unfit ?? "its packs are not in the repositories");
                found.Remove(backup);
                backup.Dispose();
                // A repository that is away may have them when it is back.
                if (unfit is not null || service.Repositories.Unanswered.Count == 0)
                {
                    _journals.Remove(backup.Path);
                }
            }

            return found.Count == 0 ? null : new InterruptedBackups(service.Name, found, databases);
        }
        catch (StorageException e)
        {
            service.Log.Warning("nothing of interrupted backups is taken over: {Reason}", e.Message);
            found.ForEach(backup => backup.Dispose());
            return null;
        }
        catch
        {
            found.ForEach(backup => backup.Dispose());
            throw;
        }
    }

    InterruptedBackup? Open(string path)
    {
        try
        {
            if (InterruptedBackup.Open(path) is { } backup)
            {
                return backup;
            }

            _journals.Remove(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            service.Log.Warning("nothing of an interrupted backup is taken over: {Reason}", e.Message);
        }

        return null;
    }

    // The same that makes a complete backup unfit (BackupBaseFinder).
    static string? Unfit(InterruptedBackup backup, ServerFacts facts, Lsn start, BackupBase? basis)
    {
        var header = backup.Header;
        return header.SystemIdentifier != $"{facts.SystemIdentifier}" ? "it is of another cluster"
            : header.Timeline != facts.Timeline.Value ? $"it is of timeline {header.Timeline}"
            : header.PageSize != facts.PageSize ? "pages had another size"
            : header.Checksums != facts.DataChecksums ? $"page checksums were {(facts.DataChecksums ? "enabled" : "disabled")} since"
            // A standby that lags: its pages may be older than those that were copied elsewhere.
            : backup.StartLsn > start ? $"it began at {backup.StartLsn}, behind {start}"
            : backup.StartLsn <= basis?.StartLsn ? $"backup {basis.Document.Id} is newer"
            : null;
    }

    // Present where they must be, and nowhere away for good: else what names them could not be completed.
    async Task<HashSet<int>> StoredAsync(InterruptedBackup backup, CancellationToken cancellation)
    {
        var prefix = RepositoryLayout.PacksPrefix(service.Name, backup.Id);
        var answers = await service.Repositories.AskAllAsync(
            async (store, token) =>
            {
                var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
                await foreach (var item in store.ListAsync(prefix, ListMode.Children, token))
                {
                    sizes[item.Key] = item.Size;
                }

                return sizes;
            },
            cancellation);
        return [.. backup.Packs.Values.Where(IsStored).Select(pack => pack.Number)];

        bool IsStored(JournaledPack pack)
        {
            var key = RepositoryLayout.Pack(service.Name, backup.Id, pack.Number);
            var holders = answers.Count(a => a.Answer.GetValueOrDefault(key) == pack.Size);
            return holders >= service.Repositories.Required && answers.All(a => a.Answer.GetValueOrDefault(key) == pack.Size || service.Repositories.Debts.IsOwed(a.Store.Name, key));
        }
    }
}
