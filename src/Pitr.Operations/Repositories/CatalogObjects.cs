using Pitr.Format.Catalog;

namespace Pitr.Operations.Repositories;

/// <summary>What a backup consists of, as its entry says, of whichever kind: <see cref="BackupObjects"/> and <see cref="DumpObjects"/>.</summary>
public static class CatalogObjects
{
    /// <summary>The objects an entry names, each once.</summary>
    /// <exception cref="ArgumentException">An entry of a kind that there is not.</exception>
    public static IEnumerable<StoredObject> Of(ICatalogEntry entry) => entry switch
    {
        BackupDocument backup => BackupObjects.Of(backup),
        DumpDocument dump => DumpObjects.Of(dump),
        _ => throw new ArgumentException($"no entries of the form {entry?.GetType().Name}", nameof(entry)),
    };
}
