using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;

namespace Pitr.Operations.Repositories;

/// <summary>What a dump consists of, as its entry says: its parts, the manifest and the digests. A repository that holds the entry must hold all of them.</summary>
public static class DumpObjects
{
    /// <summary>The objects an entry names, each once.</summary>
    public static IEnumerable<StoredObject> Of(DumpDocument entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return entry.Parts.Append(entry.Manifest).Append(entry.Sums).DistinctBy(item => item.Key, StringComparer.Ordinal);
    }

    /// <summary>Whether a key is of exactly the form of a part, a manifest or digests: what a dump without an entry may leave behind.</summary>
    public static bool IsPart(string key, out ServiceName service, out BackupId dump)
    {
        var place = RepositoryKey.Parse(key);
        (service, dump) = (place.Service ?? default, place.Backup ?? default);
        return place switch
        {
            { Kind: RepositoryKeyKind.Dump, Service: not null, Backup: not null } =>
                int.TryParse(key.AsSpan(key.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 999_999
                && string.Equals(key, RepositoryLayout.DumpPart(service, dump, number), StringComparison.Ordinal),
            { Kind: RepositoryKeyKind.DumpManifest, Service: not null, Backup: not null } => string.Equals(key, RepositoryLayout.DumpManifest(service, dump), StringComparison.Ordinal),
            { Kind: RepositoryKeyKind.DumpSums, Service: not null, Backup: not null } => string.Equals(key, RepositoryLayout.DumpSums(service, dump), StringComparison.Ordinal),
            _ => false,
        };
    }
}
