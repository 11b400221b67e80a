using System.Text.Json;
using Pitr.Format.Layout;
using Pitr.Operations.Drill;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Restore;

/// <summary>How long a restore will take, as far as drills of the service have measured it.</summary>
/// <param name="Fetch">Writing the files.</param>
/// <param name="Replay">Replaying WAL.</param>
/// <param name="Drills">The drills it follows from, newest first.</param>
public sealed record RestoreEstimate(TimeSpan Fetch, TimeSpan Replay, IReadOnlyList<string> Drills)
{
    // The newest say most; several even out a busy hour.
    const int MostDrills = 5;
    const int MostLooked = 20;

    /// <summary>Both together.</summary>
    public TimeSpan Whole => Fetch + Replay;

    /// <summary>Looks at the reports of the newest drills that were restored and replayed.</summary>
    /// <param name="service">The service.</param>
    /// <param name="plan">What is to be restored.</param>
    /// <param name="cancellation">Ends the looking.</param>
    /// <returns>The estimate by the median of the rates; null when no drill has measured them.</returns>
    public static async Task<RestoreEstimate?> FindAsync(PostgresService service, RestorePlan plan, CancellationToken cancellation)
    {
        try
        {
            return await FindInReportsAsync(service, plan, cancellation);
        }
        catch (StorageException e)
        {
            // A restore must not fail because nobody can tell how long it takes.
            service.Log.Warning("how long the restore takes is not known: {Reason}", e.Message);
            return null;
        }
    }

    static async Task<RestoreEstimate?> FindInReportsAsync(PostgresService service, RestorePlan plan, CancellationToken cancellation)
    {
        var listed = await service.Repositories.AskAllAsync((store, token) => ListAsync(service, store, token), cancellation);
        var reports = new List<DrillReport>();
        foreach (var key in listed.SelectMany(l => l.Answer).Distinct(StringComparer.Ordinal).OrderDescending(StringComparer.Ordinal).Take(MostLooked))
        {
            if (await TryReadAsync(service, key, cancellation) is { RestoredBytes: > 0, WalSegments: > 0 } report && Seconds(report, "fetch") > 0 && Seconds(report, "replay") > 0)
            {
                reports.Add(report);
            }

            if (reports.Count == MostDrills)
            {
                break;
            }
        }

        return reports.Count == 0 ? null : new RestoreEstimate(
            TimeSpan.FromSeconds(plan.RestoredBytes * Median(reports.Select(r => Seconds(r, "fetch") / r.RestoredBytes))),
            TimeSpan.FromSeconds(plan.WalSegments * Median(reports.Select(r => Seconds(r, "replay") / r.WalSegments))),
            [.. reports.Select(r => r.Id)]);
    }

    static double Seconds(DrillReport report, string phase) => report.Phases.Where(p => p.Name == phase).Sum(p => p.Seconds);

    static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    static async Task<IReadOnlyList<string>> ListAsync(PostgresService service, IObjectStore store, CancellationToken cancellation)
    {
        var keys = new List<string>();
        await foreach (var item in store.ListAsync(RepositoryLayout.DrillsPrefix(service.Name), ListMode.Recursive, cancellation))
        {
            if (item.Key.EndsWith(".json", StringComparison.Ordinal))
            {
                keys.Add(item.Key);
            }
        }

        return keys;
    }

    static async Task<DrillReport?> TryReadAsync(PostgresService service, string key, CancellationToken cancellation)
    {
        try
        {
            return await service.Repositories.TryReadAsync(key, cancellation) is { } json ? DrillReport.Parse(json) : null;
        }
        catch (JsonException e)
        {
            // An estimate can do without it; who reads drills will say more.
            service.Log.Debug("drill report {Key} cannot be read: {Reason}", key, e.Message);
            return null;
        }
    }
}
