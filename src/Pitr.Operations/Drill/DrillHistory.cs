using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Drill;

/// <summary>The reports of a service's drills in its repositories, the newest thousand of them.</summary>
/// <param name="service">The service.</param>
public sealed class DrillHistory(OpenedService service)
{
    /// <summary>So many reports are kept in each repository.</summary>
    public const int Kept = 1000;

    readonly StoredRecords<DrillReport> _reports = new(service.Repositories, service.Log, RepositoryLayout.DrillsPrefix(service.Name), json => DrillReport.Parse(json));

    /// <summary>Reads the newest reports.</summary>
    /// <param name="most">So many at most.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>The reports, newest first, and the keys of those that cannot be read. Repositories that did not answer are in <see cref="RepositorySet.Unanswered"/>.</returns>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    public Task<(IReadOnlyList<DrillReport> Reports, IReadOnlyList<string> Unreadable)> ReadAsync(int most, CancellationToken cancellation) =>
        ReadAsync(most, _ => true, cancellation);

    /// <summary>The newest drill that passed; null when there is none.</summary>
    /// <param name="isAlike">Which ones are meant; null: all.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    public async Task<DrillReport?> FindLastPassedAsync(Func<DrillReport, bool>? isAlike, CancellationToken cancellation)
    {
        var (reports, _) = await ReadAsync(1, report => report.Passed && isAlike?.Invoke(report) != false, cancellation);
        return reports.Count > 0 ? reports[0] : null;
    }

    /// <summary>Reads one report.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="RefusedInputException">There is none of that id.</exception>
    /// <exception cref="System.Text.Json.JsonException">It is damaged.</exception>
    /// <exception cref="StorageException">No repository has it, and one could not be asked.</exception>
    public async Task<DrillReport> FindAsync(string id, CancellationToken cancellation)
    {
        try
        {
            if (await service.Repositories.TryReadAsync(RepositoryLayout.DrillReport(service.Name, id), cancellation) is { } json)
            {
                return DrillReport.Parse(json);
            }
        }
        catch (ArgumentException e)
        {
            throw new RefusedInputException($"\"{id}\" is no drill's id", $"`pitr drill report {service.Name}` lists them", e);
        }

        throw new RefusedInputException($"service {service.Name} has no drill {id}", $"`pitr drill report {service.Name}` lists them");
    }

    /// <summary>Stores a report in every repository that answers, and removes the oldest beyond <see cref="Kept"/>.</summary>
    /// <exception cref="RepositoryUnavailableException">No repository took it.</exception>
    public async Task StoreAsync(DrillReport report, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(report);
        var json = ObjectContent.FromMemory(report.ToJson());
        var stored = 0;
        var answered = service.Repositories.Answered;
        // A repository that is down is a reason to drill without it, not to lose the report.
        await Task.WhenAll(service.Repositories.Stores.Where(store => answered.Contains(store.Name)).Select(async store =>
        {
            try
            {
                await store.PutAsync(RepositoryLayout.DrillReport(service.Name, report.Id), json, PutMode.Replace, cancellation);
                Interlocked.Increment(ref stored);
                await PruneAsync(store, cancellation);
            }
            catch (StorageException e)
            {
                service.Log.Warning("repository {Repository} and the report of drill {Drill}: {Reason}", store.Name, report.Id, e.Message);
            }
        }));
        if (stored == 0)
        {
            throw new RepositoryUnavailableException($"no repository took the report of drill {report.Id}, which {report.Verdict}", "`pitr check` shows what works");
        }
    }

    async Task<(IReadOnlyList<DrillReport> Reports, IReadOnlyList<string> Unreadable)> ReadAsync(int most, Predicate<DrillReport> wants, CancellationToken cancellation) =>
        await _reports.ReadNewestAsync(await _reports.ListAsync(cancellation), most, wants, cancellation);

    async Task PruneAsync(IObjectStore store, CancellationToken cancellation)
    {
        var keys = await _reports.ListAsync(store, cancellation);
        // Only what is a report by its name: what somebody else has put there stays.
        foreach (var key in keys.Where(key => RepositoryKey.Parse(key).Kind == RepositoryKeyKind.Drill).OrderDescending(StringComparer.Ordinal).Skip(Kept))
        {
            await store.DeleteAsync(key, cancellation);
        }
    }
}
