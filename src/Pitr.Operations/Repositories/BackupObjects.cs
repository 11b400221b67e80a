using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// What a backup consists of, as its entry says: the manifest, the packs it wrote, and those of older backups that hold its unchanged pages. A
/// repository that holds the entry must hold all of them.
/// </summary>
public static class BackupObjects
{
    /// <summary>The objects an entry names, each once.</summary>
    public static IEnumerable<StoredObject> Of(BackupDocument entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return entry.Packs
            .Concat(entry.OlderPacks.Select(pack => new StoredObject(pack.Key, pack.Size, pack.Sha256)))
            .Append(entry.Manifest)
            .DistinctBy(item => item.Key, StringComparer.Ordinal);
    }

    /// <summary>Which of them a repository lacks.</summary>
    /// <returns>In the order of their keys; empty when the entry may be there.</returns>
    /// <exception cref="StorageException">The repository could not be asked.</exception>
    public static Task<IReadOnlyList<StoredObject>> MissingAsync(IObjectStore store, BackupDocument entry, CancellationToken cancellation) => MissingAsync(store, Of(entry), cancellation);

    /// <summary>Which of some objects a repository lacks.</summary>
    /// <inheritdoc cref="MissingAsync(IObjectStore, BackupDocument, CancellationToken)"/>
    public static async Task<IReadOnlyList<StoredObject>> MissingAsync(IObjectStore store, IEnumerable<StoredObject> objects, CancellationToken cancellation)
    {
        var missing = objects.ToDictionary(item => item.Key, StringComparer.Ordinal);
        // One listing for each backup whose packs it uses: there are few of those and many packs.
        foreach (var prefix in missing.Keys.Select(key => key[..(key.LastIndexOf('/') + 1)]).Distinct(StringComparer.Ordinal).ToArray())
        {
            await foreach (var item in store.ListAsync(prefix, ListMode.Children, cancellation))
            {
                missing.Remove(item.Key);
            }
        }

        return [.. missing.Values.OrderBy(item => item.Key, StringComparer.Ordinal)];
    }

    /// <summary>Whether a key is of exactly the form of a pack or a manifest: what a backup without an entry may leave behind.</summary>
    public static bool IsPart(string key, out ServiceName service, out BackupId backup)
    {
        var place = RepositoryKey.Parse(key);
        (service, backup) = (place.Service ?? default, place.Backup ?? default);
        return place switch
        {
            { Kind: RepositoryKeyKind.Pack, Service: not null, Backup: not null } =>
                int.TryParse(key.AsSpan(key.LastIndexOf('/') + 1), System.Globalization.NumberStyles.None, null, out var number) && number <= 999_999
                && string.Equals(key, RepositoryLayout.Pack(service, backup, number), StringComparison.Ordinal),
            { Kind: RepositoryKeyKind.Manifest, Service: not null, Backup: not null } => string.Equals(key, RepositoryLayout.Manifest(service, backup), StringComparison.Ordinal),
            _ => false,
        };
    }
}
