using System.Runtime.CompilerServices;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>An object of the source, and what the destination has under its key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Size">Bytes in the source.</param>
/// <param name="SizeThere">Bytes in the destination; null when it has none.</param>
sealed record ObjectDifference(string Key, long Size, long? SizeThere)
{
    /// <summary>Walks two listings side by side, both in the order of keys, so that neither has to be held in memory.</summary>
    /// <param name="source">Whose objects are reported.</param>
    /// <param name="destination">What it is held against; null for a place where nothing is yet.</param>
    /// <param name="prefix">Only keys that begin with it.</param>
    public static async IAsyncEnumerable<ObjectDifference> ListAsync(
        IObjectStore source, IObjectStore? destination, string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var there = destination?.ListAsync(prefix, ListMode.Recursive, cancellation).GetAsyncEnumerator(cancellation);
        var more = there is not null && await there.MoveNextAsync();
        await foreach (var item in source.ListAsync(prefix, ListMode.Recursive, cancellation))
        {
            while (more && ObjectKey.Compare(there!.Current.Key, item.Key) < 0)
            {
                more = await there.MoveNextAsync();
            }

            yield return new ObjectDifference(item.Key, item.Size, more && string.Equals(there!.Current.Key, item.Key, StringComparison.Ordinal) ? there.Current.Size : null);
        }
    }

    /// <summary>Looks at one key on both sides; null when the source does not have it.</summary>
    public static async Task<ObjectDifference?> FindAsync(IObjectStore source, IObjectStore? destination, string key, CancellationToken cancellation)
    {
        var there = destination is null ? null : await destination.StatAsync(key, cancellation);
        return await source.StatAsync(key, cancellation) is { } here ? new ObjectDifference(key, here.Size, there?.Size) : null;
    }
}
