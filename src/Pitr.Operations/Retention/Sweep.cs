using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Repositories;

namespace Pitr.Operations.Retention;

/// <summary>
/// Tells which manifests and packs, or parts of dumps, of one repository no backup needs. A backup of another repository protects its objects here, too: it may be on its
/// way, and its packs would only have to come again.
/// </summary>
/// <param name="Dead">What can go, manifests first, in the order of keys.</param>
/// <param name="Young">What nobody names yet, or no more, and stays until it is older than the grace period.</param>
public sealed record Sweep(IReadOnlyList<BackupPart> Dead, IReadOnlyList<BackupPart> Young)
{
    /// <summary>Decides.</summary>
    /// <param name="held">The repository, without the entries that go.</param>
    /// <param name="others">The other repositories, without the entries that go.</param>
    /// <param name="gone">Backups that go: what they wrote and nobody else needs is not waited for.</param>
    /// <param name="freed">Keys that they named, likewise.</param>
    /// <param name="now">The present.</param>
    /// <param name="grace">Younger objects without a backup stay: a backup may be about to name them.</param>
    public static Sweep Plan(
        BackupHoldings held, IEnumerable<BackupHoldings> others, IReadOnlySet<BackupId> gone, IReadOnlySet<string> freed, DateTimeOffset now, TimeSpan grace)
    {
        ArgumentNullException.ThrowIfNull(held);
        var live = others.Append(held).SelectMany(h => h.Entries.Values).SelectMany(CatalogObjects.Of).Select(item => item.Key).ToHashSet(StringComparer.Ordinal);
        var unnamed = held.Parts.Where(part => !live.Contains(part.Key)).ToLookup(part => !gone.Contains(part.Backup) && !freed.Contains(part.Key) && part.IsYoung(now, grace));
        return new Sweep([.. unnamed[false].OrderBy(part => part.IsPack)], [.. unnamed[true]]);
    }
}
