using System.Runtime.CompilerServices;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>Removes objects by hand.</summary>
/// <param name="store">The repository.</param>
/// <param name="force">Also removes what the repository cannot do without.</param>
public sealed class RepositoryRemoval(IObjectStore store, bool force)
{
    readonly NamedObjects _named = new(store);

    /// <summary>Objects below prefixes that stay all the same; may be null.</summary>
    public Predicate<string>? Spares { get; init; }

    /// <summary>The objects meant: keys that exist, and everything below prefixes.</summary>
    /// <param name="names">Keys, and prefixes: ending in <c>/</c>, or empty for everything.</param>
    /// <exception cref="ObjectNotFoundException">One of the keys does not exist.</exception>
    /// <exception cref="RefusedInputException">One of them is vital, or a backup needs it, and force is not given.</exception>
    /// <exception cref="DamagedRepositoryException">It is not known what backups need, and force is not given.</exception>
    public async IAsyncEnumerable<(string Key, long Size)> FindAsync(IReadOnlyList<string> names, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (var name in names)
        {
            if (name.Length == 0 || name.EndsWith('/'))
            {
                await foreach (var item in store.ListAsync(name, ListMode.Recursive, cancellation))
                {
                    if (Spares?.Invoke(item.Key) != true)
                    {
                        await RequireAsync(item.Key, cancellation);
                        yield return (item.Key, item.Size);
                    }
                }
            }
            else
            {
                await RequireAsync(name, cancellation);
                var info = await store.StatAsync(name, cancellation) ?? throw new ObjectNotFoundException(store.Name, name);
                yield return (name, info.Size);
            }
        }
    }

    /// <summary>Removes one object.</summary>
    public async Task<long> RemoveAsync((string Key, long Size) item, CancellationToken cancellation)
    {
        await store.DeleteAsync(item.Key, cancellation);
        return item.Size;
    }

    async Task RequireAsync(string key, CancellationToken cancellation)
    {
        if (force)
        {
            return;
        }

        ProtectedKeys.RefuseRemoval(key);
        // Whatever lies where packs and manifests do, also under a name that pitr itself would not give.
        var place = RepositoryKey.Parse(key);
        if (place is { Kind: RepositoryKeyKind.Pack or RepositoryKeyKind.Manifest or RepositoryKeyKind.Dump or RepositoryKeyKind.DumpManifest or RepositoryKeyKind.DumpSums, Service: { } service } && await _named.FindUserAsync(service, key, cancellation) is { } user)
        {
            throw new RefusedInputException(
                $"{key} was not removed: the backup of {user} needs it and could not be restored any more",
                $"`pitr expire {service} --backup ID` removes a backup with all that only it needs; give --force if breaking it is meant");
        }
    }
}
