using Pitr.Format.Catalog;

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
}
