namespace Pitr.Format.Catalog;

/// <summary>A backup that was interrupted, and whose packs hold pages of the one that went on from it.</summary>
/// <param name="Id">Id of the interrupted backup, which is none.</param>
/// <param name="Bytes">Bytes of files that were taken over, at least 1.</param>
public sealed record ResumedBackup(string Id, long Bytes);
