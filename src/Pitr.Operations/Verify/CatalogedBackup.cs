using Pitr.Format.Catalog;

namespace Pitr.Operations.Verify;

/// <summary>A backup that is complete in one repository.</summary>
/// <param name="Document">Its entry without packs, which are thousands.</param>
/// <param name="Digest">SHA-256 of the entry without what may differ between repositories.</param>
/// <param name="ManifestMark">Mark of manifest and entry; null when there is no manifest to read.</param>
/// <param name="NeedsManifest">Whether its manifest is read: it was not verified lately, or one of its packs was not.</param>
sealed record CatalogedBackup(BackupDocument Document, string Digest, ulong? ManifestMark, bool NeedsManifest);
