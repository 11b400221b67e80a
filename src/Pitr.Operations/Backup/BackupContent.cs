using Pitr.Format.Catalog;

namespace Pitr.Operations.Backup;

/// <summary>What was copied: everything of a backup but its positions in the WAL.</summary>
/// <param name="Bytes">Sum of the sizes of its files.</param>
/// <param name="Files">How many.</param>
/// <param name="Packs">Written by this backup.</param>
/// <param name="Manifest">Its manifest.</param>
/// <param name="DataKey">Id of the key both are sealed with.</param>
public sealed record BackupContent(long Bytes, int Files, IReadOnlyList<StoredObject> Packs, StoredObject Manifest, string DataKey)
{
    /// <summary>Bytes of the files that were stored already.</summary>
    public long ReusedBytes { get; init; }

    /// <summary>Where those are.</summary>
    public IReadOnlyList<UsedPack> OlderPacks { get; init; } = [];

    /// <summary>What of that came from interrupted backups.</summary>
    public IReadOnlyList<ResumedBackup> Resumed { get; init; } = [];

    /// <summary>How it was found out what has changed (<see cref="BackupDocument.Changes"/>).</summary>
    public string? Changes { get; init; }

    /// <summary>Pages with a wrong checksum.</summary>
    public int DamagedPages { get; init; }

    /// <summary>Where those are, the first ones.</summary>
    public IReadOnlyList<DamagedPage> Damage { get; init; } = [];

    /// <summary>Progress after the last byte was copied.</summary>
    public BackupProgress Progress(string phase) => new(phase, Bytes, Bytes, Packs.Sum(p => p.Size) + Manifest.Size);
}
