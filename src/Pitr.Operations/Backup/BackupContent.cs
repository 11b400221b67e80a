using Pitr.Format.Catalog;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Backup;

/// <summary>What was copied: everything of a backup but its end position.</summary>
public sealed record BackupContent(
    BackupLabel Label,
    ControlFile ControlFile,
    long Bytes,
    int Files,
    IReadOnlyList<StoredObject> Packs,
    StoredObject Manifest,
    string DataKey)
{
    /// <summary>Progress after the last byte was copied.</summary>
    public BackupProgress Progress(string phase) => new(phase, Bytes, Bytes, Packs.Sum(p => p.Size) + Manifest.Size);
}
