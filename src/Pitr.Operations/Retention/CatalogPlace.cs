using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;

namespace Pitr.Operations.Retention;

/// <summary>Where the backups of a service lie in a repository, and how they are read: what is different between base backups and dumps where backups are listed and removed.</summary>
/// <param name="Service">The service.</param>
/// <param name="HasDumps">Whether its backups are dumps; else they are base backups.</param>
public sealed record CatalogPlace(ServiceName Service, bool HasDumps)
{
    /// <summary>That of a service.</summary>
    public static CatalogPlace Of(OpenedService service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return new CatalogPlace(service.Name, service is DumpService);
    }

    /// <summary>Everything of backups is below these; entries below the last of them.</summary>
    public IReadOnlyList<string> Prefixes => HasDumps
        ? [RepositoryLayout.DumpsPrefix(Service)]
        : [RepositoryLayout.AllPacksPrefix(Service), RepositoryLayout.BackupsPrefix(Service)];

    /// <summary>Key of a backup's catalog entry.</summary>
    public string EntryKey(BackupId id) => HasDumps ? RepositoryLayout.Dump(Service, id) : RepositoryLayout.Backup(Service, id);

    /// <summary>Whether a key is exactly that of an entry.</summary>
    public bool IsEntry(string key, out BackupId id)
    {
        var place = RepositoryKey.Parse(key);
        id = place.Backup ?? default;
        return place is { Kind: RepositoryKeyKind.Backup or RepositoryKeyKind.DumpEntry, Backup: not null } && key == EntryKey(id);
    }

    /// <summary>Whether a key is exactly that of something that entries name.</summary>
    public bool IsPart(string key, out BackupId backup) => HasDumps ? DumpObjects.IsPart(key, out _, out backup) : BackupObjects.IsPart(key, out _, out backup);

    /// <summary>Reads an entry.</summary>
    /// <exception cref="Format.DamagedObjectException">It makes no sense.</exception>
    /// <exception cref="Format.UnsupportedFormatException">A newer program wrote it.</exception>
    public ICatalogEntry Parse(ReadOnlySpan<byte> json) => HasDumps ? DumpDocument.Parse(json) : BackupDocument.Parse(json);
}
