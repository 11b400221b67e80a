using Pitr.Format.Layout;

namespace Pitr.Operations.Retention;

/// <summary>A manifest or a pack, or a part of a dump, as it lies in a repository.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Size">Bytes stored.</param>
/// <param name="Modified">When it was put, by the store's clock.</param>
/// <param name="Backup">The backup that wrote it.</param>
public readonly record struct BackupPart(string Key, long Size, DateTimeOffset Modified, BackupId Backup)
{
    /// <summary>Whether it is a pack or a part of a dump; else it is a manifest, or digests.</summary>
    public bool IsPack => RepositoryKey.Parse(Key).Kind is RepositoryKeyKind.Pack or RepositoryKeyKind.Dump;

    /// <summary>Whether it may still be part of work that somebody has just begun. A store without usable times is believed the backup's own.</summary>
    public bool IsYoung(DateTimeOffset now, TimeSpan grace) => now - (Modified > Backup.Start ? Modified : Backup.Start) < grace;
}
