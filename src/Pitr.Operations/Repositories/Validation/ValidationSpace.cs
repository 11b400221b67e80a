using System.Collections.Concurrent;
using Pitr.Storage;

namespace Pitr.Operations.Repositories.Validation;

/// <summary>The corner of a repository that a validation works in: a random prefix, and a memory of everything that was put there.</summary>
sealed class ValidationSpace
{
    const int Workers = 16;

    readonly ConcurrentDictionary<string, byte> _put = new(StringComparer.Ordinal);

    public ValidationSpace(IObjectStore store, TimeProvider clock)
    {
        Store = store;
        Clock = clock;
        Prefix = $"validate-{Guid.NewGuid():N}/";
    }

    public IObjectStore Store { get; }

    public TimeProvider Clock { get; }

    /// <summary>Where everything lies; ends in <c>/</c>.</summary>
    public string Prefix { get; }

    /// <summary>Whether anything could be put at all; until then there is nothing to judge.</summary>
    public bool IsUsable { get; set; }

    /// <summary>Whether every operation takes long here, so that fewer must do.</summary>
    public bool IsSlow { get; set; }

    /// <summary>A key in this corner, remembered for the clean-up.</summary>
    public string Key(string name)
    {
        var key = Prefix + name;
        _put.TryAdd(key, 0);
        return key;
    }

    public async Task<List<ObjectListing>> ListAsync(string below, ListMode mode, CancellationToken cancellation)
    {
        var found = new List<ObjectListing>();
        await foreach (var item in Store.ListAsync(Prefix + below, mode, cancellation))
        {
            found.Add(item);
        }

        return found;
    }

    /// <summary>Works on many things, 16 at once.</summary>
    public static Task OnEachAsync<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> work, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            items, new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellation }, async (item, token) => await work(item, token));

    /// <summary>
    /// Removes everything, what was put and what is listed, and looks again.
    /// </summary>
    /// <returns>What could not be removed.</returns>
    public async Task<IReadOnlyList<string>> CleanUpAsync(CancellationToken cancellation)
    {
        var left = new ConcurrentDictionary<string, byte>(StringComparer.Ordinal);
        var listed = await TryListAsync(cancellation);
        if (listed is null && !IsUsable)
        {
            // Nobody lets us in. Every key tried would be one login more with what was refused.
            return [Prefix];
        }

        await OnEachAsync(
            _put.Keys.Union(listed ?? [], StringComparer.Ordinal),
            async (key, token) =>
            {
                try
                {
                    await Store.DeleteAsync(key, token);
                }
                catch (StorageException)
                {
                    left.TryAdd(key, 0);
                }
            },
            cancellation);
        var still = await TryListAsync(cancellation);
        if (still is null)
        {
            return [.. left.Keys.Order(StringComparer.Ordinal)];
        }

        // A name that the server refuses cannot be removed, and was never there.
        var seen = listed is null ? left.Keys : left.Keys.Intersect(listed, StringComparer.Ordinal);
        return [.. seen.Union(still, StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    // A listing that cannot be had leaves what was put: each of it is tried, and named if it does not go.
    async Task<string[]?> TryListAsync(CancellationToken cancellation)
    {
        try
        {
            return [.. (await ListAsync("", ListMode.Recursive, cancellation)).Select(item => item.Key)];
        }
        catch (StorageException)
        {
            return null;
        }
    }
}
