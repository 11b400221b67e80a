using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// Tells objects that say the same in other bytes from real conflicts. Two repositories of one service may have sealed the same WAL at different
/// moments, wrapped the same data key separately, pinned a backup in one of them, and noted another moment at which the service began.
/// </summary>
static class EquivalentObjects
{
    /// <summary>Whether both repositories hold the same under a key, as far as clear text tells.</summary>
    /// <exception cref="DamagedObjectException">One of them is not what its key says.</exception>
    /// <exception cref="StorageException">One of them could not be read.</exception>
    public static async Task<bool> AreAsync(IObjectStore source, IObjectStore destination, string key, CancellationToken cancellation) => RepositoryKey.Parse(key).Kind switch
    {
        RepositoryKeyKind.Wal or RepositoryKeyKind.WalPiece => AreSameWal(await HeaderAsync(source, key, cancellation), await HeaderAsync(destination, key, cancellation)),
        RepositoryKeyKind.DataKey => AreSameKey(
            KeyDocument.Parse(await source.ReadAllAsync(key, cancellation)), KeyDocument.Parse(await destination.ReadAllAsync(key, cancellation))),
        RepositoryKeyKind.Service => AreSameService(
            ServiceDocument.Parse(await source.ReadAllAsync(key, cancellation)), ServiceDocument.Parse(await destination.ReadAllAsync(key, cancellation))),
        RepositoryKeyKind.Backup => AreSameBackup(
            BackupDocument.Parse(await source.ReadAllAsync(key, cancellation)), BackupDocument.Parse(await destination.ReadAllAsync(key, cancellation))),
        RepositoryKeyKind.DumpEntry => AreSameBackup(
            DumpDocument.Parse(await source.ReadAllAsync(key, cancellation)), DumpDocument.Parse(await destination.ReadAllAsync(key, cancellation))),
        _ => false,
    };

    // The fingerprint covers name, cluster and every byte (docs/format.md).
    static bool AreSameWal(SealedObjectHeader one, SealedObjectHeader other) =>
        one.Kind == SealedObjectKind.Wal && other.Kind == SealedObjectKind.Wal
        && one.PlaintextLength == other.PlaintextLength && one.Fingerprint.AsSpan().SequenceEqual(other.Fingerprint);

    static bool AreSameKey(KeyDocument one, KeyDocument other) =>
        one.Id == other.Id && one.HasPassphrase == other.HasPassphrase && one.RecipientIds.ToHashSet().SetEquals(other.RecipientIds);

    static bool AreSameService(ServiceDocument one, ServiceDocument other) =>
        one.Name == other.Name && one.Kind == other.Kind
        && one.SystemIdentifiers.Select(Cluster).SequenceEqual(other.SystemIdentifiers.Select(Cluster));

    // A pinned copy in one repository protects the backup in all.
    static bool AreSameBackup(ICatalogEntry one, ICatalogEntry other) => one.WithPin(null, null).ToJson().AsSpan().SequenceEqual(other.WithPin(null, null).ToJson());

    static (string, int, int) Cluster(SystemIdentifierRecord record) => (record.SystemIdentifier, record.PostgresVersion, record.WalSegmentSize);

    static async Task<SealedObjectHeader> HeaderAsync(IObjectStore store, string key, CancellationToken cancellation)
    {
        var size = (await store.StatAsync(key, cancellation) ?? throw new ObjectNotFoundException(store.Name, key)).Size;
        await using var stream = await store.OpenReadAsync(key, range: null, cancellation);
        var header = await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
        header.RequireStoredLength(size);
        return header;
    }
}
