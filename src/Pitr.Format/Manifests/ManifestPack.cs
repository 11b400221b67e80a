namespace Pitr.Format.Manifests;

/// <summary>A pack that runs refer to, of this backup or an older one.</summary>
/// <param name="Index">What runs call it; unique in the manifest.</param>
/// <param name="BackupId">The backup that wrote it.</param>
/// <param name="Number">Its number in that backup.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">SHA-256 of the whole pack, 64 lower-case hexadecimal digits.</param>
public sealed record ManifestPack(int Index, string BackupId, int Number, long Size, string Sha256)
{
    /// <summary>
    /// Salt of the pack's header, 64 lower-case hexadecimal digits; null in manifests that do not have it. It tells the pack from every other one
    /// sealed with the same data key, so that records can be used without reading the whole pack for its digest.
    /// </summary>
    public string? Salt { get; init; }
}
