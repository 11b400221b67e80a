using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Dumps;

/// <summary>
/// Removes what dumps have left that did not come to their end. To be called under the lease of backups, so that none is being taken meanwhile.
/// </summary>
/// <param name="service">The service.</param>
sealed class DumpLeftovers(DumpService service)
{
    /// <summary>Younger ones stay: they may be on their way here from another repository, their entry last.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(24);

    // The backup has failed already, and who waits for it wants to know why.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Removes what killed runs left, unless a repository does not answer, which might hold the entry.</summary>
    public async Task RemoveAsync(CancellationToken cancellation)
    {
        var answers = await service.Repositories.AskAllAsync(FindAsync, cancellation);
        if (service.Repositories.Unanswered.Count > 0)
        {
            return;
        }

        var whole = answers.SelectMany(a => a.Answer.Where(d => d.IsWhole).Select(d => d.Id)).ToHashSet();
        foreach (var (store, found) in answers)
        {
            foreach (var (id, _) in found.Where(d => !whole.Contains(d.Id) && service.Clock.GetUtcNow() - d.Id.Start > Grace))
            {
                await RemoveAsync(store, id, cancellation);
            }
        }
    }

    /// <summary>Removes what a run that has just failed stored. What cannot be removed now is removed by <see cref="RemoveAsync(CancellationToken)"/> of a later one.</summary>
    /// <param name="id">The dump.</param>
    /// <param name="keys">What it may have stored, the entry first; where that cannot be removed, everything stays.</param>
    public async Task TryRemoveAsync(BackupId id, IReadOnlyList<string> keys)
    {
        using var patience = new CancellationTokenSource(Patience);
        await service.Repositories.OnEachAsync(async store =>
        {
            try
            {
                foreach (var key in keys)
                {
                    // Struck first: a debt that is paid after the removal would bring back what nobody needs.
                    service.Repositories.Debts.Settle(store.Name, key);
                    await store.DeleteAsync(key, patience.Token);
                }
            }
            catch (Exception e) when (e is StorageException or RepositoryUnavailableException or OperationCanceledException)
            {
                service.Log.Warning(
                    "what the failed dump {Id} stored could not be removed from repository {Repository} and goes with a backup that is taken after a day: {Reason}", id, store.Name, e.Message);
            }
        });
    }

    async Task<List<(BackupId Id, bool IsWhole)>> FindAsync(IObjectStore store, CancellationToken cancellation)
    {
        var prefix = RepositoryLayout.DumpsPrefix(service.Name);
        var found = new List<(BackupId, bool)>();
        await foreach (var item in store.ListAsync(prefix, ListMode.Children, cancellation))
        {
            if (item.IsPrefix && BackupId.TryParse(item.Key[prefix.Length..].TrimEnd('/'), out var id))
            {
                found.Add((id, await store.ExistsAsync(RepositoryLayout.Dump(service.Name, id), cancellation)));
            }
        }

        return found;
    }

    async Task RemoveAsync(IObjectStore store, BackupId id, CancellationToken cancellation)
    {
        var objects = await store.ListAsync(RepositoryLayout.DumpPrefix(service.Name, id), ListMode.Recursive, cancellation).ToListAsync(cancellation);
        if (objects.Exists(item => service.Clock.GetUtcNow() - item.Modified <= Grace))
        {
            return;
        }

        foreach (var item in objects)
        {
            service.Repositories.Debts.Settle(store.Name, item.Key);
            await store.DeleteAsync(item.Key, cancellation);
        }

        service.Log.Information("{Objects} objects of dump {Id}, which did not come to its end, were removed from repository {Repository}", objects.Count, id, store.Name);
    }
}
