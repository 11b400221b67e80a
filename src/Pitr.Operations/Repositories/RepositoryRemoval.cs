using System.Runtime.CompilerServices;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>Removes objects by hand.</summary>
/// <param name="store">The repository.</param>
/// <param name="force">Also removes what the repository cannot do without.</param>
public sealed class RepositoryRemoval(IObjectStore store, bool force)
{
    /// <summary>The objects meant: keys that exist, and everything below prefixes.</summary>
    /// <param name="names">Keys, and prefixes: ending in <c>/</c>, or empty for everything.</param>
    /// <exception cref="ObjectNotFoundException">One of the keys does not exist.</exception>
    /// <exception cref="RefusedInputException">One of them is vital and force is not given.</exception>
    public async IAsyncEnumerable<(string Key, long Size)> FindAsync(IReadOnlyList<string> names, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (var name in names)
        {
            if (name.Length == 0 || name.EndsWith('/'))
            {
                await foreach (var item in store.ListAsync(name, ListMode.Recursive, cancellation))
                {
                    Require(item.Key);
                    yield return (item.Key, item.Size);
                }
            }
            else
            {
                Require(name);
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

    void Require(string key)
    {
        if (!force)
        {
            ProtectedKeys.RefuseRemoval(key);
        }
    }
}
