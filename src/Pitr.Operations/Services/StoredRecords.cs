using System.Collections.Concurrent;
using System.Text.Json;
using Pitr.Format;
using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>Small documents whose keys begin with the time they were made: what was done, and how it ended. Read newest first, from every repository that answers.</summary>
/// <typeparam name="T">The document.</typeparam>
/// <param name="repositories">The repositories.</param>
/// <param name="log">Told what cannot be read.</param>
/// <param name="prefix">Where they lie, ending with a slash.</param>
/// <param name="parse">Reads one; throws <see cref="DamagedObjectException"/>, <see cref="UnsupportedFormatException"/> or <see cref="JsonException"/> where that is impossible.</param>
public sealed class StoredRecords<T>(RepositorySet repositories, ILogger log, string prefix, Func<byte[], T> parse)
    where T : class
{
    const int SmallestBlock = 8;

    /// <summary>Keys of all documents in the repositories that answer, in no particular order. Those that did not are in <see cref="RepositorySet.Unanswered"/>.</summary>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation) =>
        [.. (await repositories.AskAllAsync(ListAsync, cancellation)).SelectMany(l => l.Answer).Distinct(StringComparer.Ordinal)];

    /// <summary>Reads the newest that are wanted.</summary>
    /// <param name="listed">Keys of documents that may be wanted.</param>
    /// <param name="most">So many at most.</param>
    /// <param name="wants">Whether a document is wanted.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>The documents, newest first, and the keys of those that cannot be read.</returns>
    /// <exception cref="StorageException">No repository has one of them, and one could not be asked.</exception>
    public async Task<(IReadOnlyList<T> Records, IReadOnlyList<string> Unreadable)> ReadNewestAsync(
        IEnumerable<string> listed, int most, Predicate<T> wants, CancellationToken cancellation)
    {
        var keys = listed.OrderDescending(StringComparer.Ordinal).ToArray();
        var records = new List<T>();
        var unreadable = new List<string>();
        // A block at a time: what is wanted is mostly among the newest.
        foreach (var block in keys.Chunk(Math.Max(most, SmallestBlock)))
        {
            var read = new ConcurrentDictionary<string, T?>(StringComparer.Ordinal);
            await Parallel.ForEachAsync(
                block, new ParallelOptions { MaxDegreeOfParallelism = SmallestBlock, CancellationToken = cancellation }, async (key, token) => read[key] = await TryReadAsync(key, token));
            records.AddRange(block.Select(key => read[key]).OfType<T>().Where(record => wants(record)));
            unreadable.AddRange(block.Where(key => read[key] is null));
            if (records.Count >= most)
            {
                break;
            }
        }

        return ([.. records.Take(most)], unreadable);
    }

    /// <summary>Keys of all documents in one repository, in no particular order.</summary>
    /// <exception cref="StorageException">It could not be listed to the end.</exception>
    public async Task<IReadOnlyList<string>> ListAsync(IObjectStore store, CancellationToken cancellation)
    {
        var keys = new List<string>();
        await foreach (var item in store.ListAsync(prefix, ListMode.Recursive, cancellation))
        {
            keys.Add(item.Key);
        }

        return keys;
    }

    async Task<T?> TryReadAsync(string key, CancellationToken cancellation)
    {
        try
        {
            return await repositories.TryReadAsync(key, cancellation) is { } json ? parse(json) : null;
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException or JsonException)
        {
            log.Warning("{Key} cannot be read: {Reason}", key, e.Message);
            return null;
        }
    }
}
