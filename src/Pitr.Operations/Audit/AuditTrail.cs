using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Audit;

/// <summary>
/// What was done to a service's data, by whom, and how it ended. Kept beside the data, in every repository, so that it is as safe as the data. Append-only: a record has
/// a name of its own and is never written again.
/// </summary>
/// <param name="service">The service.</param>
public sealed class AuditTrail(PostgresService service)
{
    const string TimeFormat = "yyyyMMdd'T'HHmmss'.'fff'Z'";
    const int TimeLength = 20;
    const int Parallel = 8;

    /// <summary>An id for what ended at a moment.</summary>
    public static string NewId(DateTimeOffset ended) =>
        string.Create(CultureInfo.InvariantCulture, $"{ended.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}");

    /// <summary>Writes a record, as every object is written: a repository that is away is owed it.</summary>
    /// <exception cref="StorageException">Too few repositories could take it.</exception>
    /// <exception cref="Errors.RepositoryUnavailableException">One is no repository, or not there.</exception>
    /// <exception cref="UnsupportedFormatException">A newer version has written one.</exception>
    public Task WriteAsync(AuditRecord record, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(record);
        var key = RepositoryLayout.Audit(service.Name, record.Id);
        return service.Repositories.WriteAsync(
            [key],
            Laggards.Await,
            async (store, token) =>
            {
                // Nothing is made where no repository is, or none that this version may write to: a mount may be missing.
                await RepositorySet.RequireInitialisedAsync(store, token);
                await store.PutAsync(key, ObjectContent.FromMemory(record.ToJson()), PutMode.CreateNew, token);
            },
            cancellation);
    }

    /// <summary>Reads the newest records.</summary>
    /// <param name="since">None that ended before; null: from the beginning.</param>
    /// <param name="most">So many at most.</param>
    /// <param name="wants">Whether a record is wanted.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>The records, oldest first, and the keys of those that cannot be read. Repositories that did not answer are in <see cref="RepositorySet.Unanswered"/>.</returns>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    public async Task<(IReadOnlyList<AuditRecord> Records, IReadOnlyList<string> Unreadable)> ReadAsync(
        DateTimeOffset? since, int most, Predicate<AuditRecord> wants, CancellationToken cancellation)
    {
        var listed = await service.Repositories.AskAllAsync(ListAsync, cancellation);
        var keys = listed.SelectMany(l => l.Answer).Where(key => since is null || EndOf(key) is not { } end || end >= since)
            .Distinct(StringComparer.Ordinal).OrderDescending(StringComparer.Ordinal).ToArray();
        var records = new List<AuditRecord>();
        var unreadable = new List<string>();
        // A block at a time: what is wanted is mostly among the newest.
        foreach (var block in keys.Chunk(most))
        {
            var read = new ConcurrentDictionary<string, AuditRecord?>(StringComparer.Ordinal);
            await System.Threading.Tasks.Parallel.ForEachAsync(
                block, new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation }, async (key, token) => read[key] = await TryReadAsync(key, token));
            records.AddRange(block.Select(key => read[key]).OfType<AuditRecord>().Where(record => wants(record)));
            unreadable.AddRange(block.Where(key => read[key] is null));
            if (records.Count >= most)
            {
                break;
            }
        }

        return ([.. records.Take(most).Reverse()], unreadable);
    }

    async Task<IReadOnlyList<string>> ListAsync(IObjectStore store, CancellationToken cancellation)
    {
        var keys = new List<string>();
        await foreach (var item in store.ListAsync(RepositoryLayout.AuditPrefix(service.Name), ListMode.Recursive, cancellation))
        {
            keys.Add(item.Key);
        }

        return keys;
    }

    async Task<AuditRecord?> TryReadAsync(string key, CancellationToken cancellation)
    {
        try
        {
            return await service.Repositories.TryReadAsync(key, cancellation) is { } json ? AuditRecord.Parse(json) : null;
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
        {
            service.Log.Warning("audit record {Key}: {Reason}", key, e.Message);
            return null;
        }
    }

    // One of an unknown form is read, and then said to be unreadable, rather than passed over.
    static DateTimeOffset? EndOf(string key)
    {
        var name = key.AsSpan(key.LastIndexOf('/') + 1);
        return name.Length > TimeLength && DateTimeOffset.TryParseExact(name[..TimeLength], TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end) ? end : null;
    }
}
