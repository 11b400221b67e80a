using Pitr.Format.Catalog;
using Pitr.Format.Layout;

namespace Pitr.Operations.Repositories;

/// <summary>What the packs of one service in one repository are worth, or the parts of its dumps, which nobody shares.</summary>
/// <param name="Service">The service's name.</param>
/// <param name="Backups">Complete backups.</param>
/// <param name="OwnBytes">Bytes of packs that the backups which are left wrote themselves.</param>
/// <param name="OlderBytes">Bytes of packs whose own backup is gone, and which others need.</param>
/// <param name="LiveBytes">Of these two, what backups use: of each pack the largest share that one of them uses, a lower bound.</param>
/// <param name="DeadBytes">The rest of these two: it lies in packs of which another part is used, and goes with them.</param>
/// <param name="GarbageBytes">Bytes of packs and manifests that no backup names: `pitr repo gc` removes them.</param>
/// <param name="GarbageObjects">How many those are.</param>
/// <param name="MissingObjects">Objects that backups name and the repository lacks: those backups cannot be restored from it.</param>
public sealed record PackUsage(
    string Service, int Backups, long OwnBytes, long OlderBytes, long LiveBytes, long DeadBytes, long GarbageBytes, long GarbageObjects, long MissingObjects)
{
    /// <summary>Counts.</summary>
    /// <param name="holdings">What the repository holds of the service's backups.</param>
    /// <param name="service">The service.</param>
    public static PackUsage Of(Retention.BackupHoldings holdings, ServiceName service)
    {
        ArgumentNullException.ThrowIfNull(holdings);
        var sizes = holdings.Parts.ToDictionary(part => part.Key, part => part.Size, StringComparer.Ordinal);
        var own = holdings.Entries.Values.SelectMany(Written).Select(pack => pack.Key).ToHashSet(StringComparer.Ordinal);
        // Who wrote a pack uses all of it.
        var shares = own.ToDictionary(key => key, _ => 1.0, StringComparer.Ordinal);
        foreach (var used in holdings.Entries.Values.OfType<BackupDocument>().SelectMany(entry => entry.OlderPacks))
        {
            shares[used.Key] = Math.Max(shares.GetValueOrDefault(used.Key), Share(used));
        }

        var named = holdings.Entries.Values.SelectMany(CatalogObjects.Of).Select(item => item.Key).ToHashSet(StringComparer.Ordinal);
        var garbage = holdings.Parts.Where(part => !named.Contains(part.Key)).ToArray();
        var total = shares.Keys.Sum(key => sizes.GetValueOrDefault(key));
        var live = shares.Sum(share => (long)(sizes.GetValueOrDefault(share.Key) * share.Value));
        var ownBytes = own.Sum(key => sizes.GetValueOrDefault(key));
        return new PackUsage(
            service.Value, holdings.Entries.Count, ownBytes, total - ownBytes, live, total - live,
            garbage.Sum(part => part.Size), garbage.Length, named.Count(key => !sizes.ContainsKey(key)));
    }

    static IReadOnlyList<StoredObject> Written(ICatalogEntry entry) => entry switch
    {
        BackupDocument backup => backup.Packs,
        DumpDocument dump => dump.Parts,
        _ => [],
    };

    static double Share(UsedPack used) => used.ContentBytes <= 0 ? 1.0 : Math.Clamp((double)used.UsedBytes / used.ContentBytes, 0.0, 1.0);
}
