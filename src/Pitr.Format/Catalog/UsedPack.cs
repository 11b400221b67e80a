namespace Pitr.Format.Catalog;

/// <summary>A pack of an older backup that holds bytes of this one: pages that had not changed.</summary>
/// <param name="Key">Key in the repository.</param>
/// <param name="Size">Bytes of the object.</param>
/// <param name="Sha256">SHA-256 of the stored bytes, as in <see cref="StoredObject"/>.</param>
/// <param name="ContentBytes">Bytes of files the pack holds, before compression: those of the backup that wrote it.</param>
/// <param name="UsedBytes">How many of them this backup uses, 1 to <paramref name="ContentBytes"/>.</param>
public sealed record UsedPack(string Key, long Size, string Sha256, long ContentBytes, long UsedBytes)
{
    /// <summary>Id of the data key it is sealed with.</summary>
    public string DataKey { get; init => field = value ?? ""; } = "";
}
