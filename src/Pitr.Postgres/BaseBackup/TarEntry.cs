namespace Pitr.Postgres.BaseBackup;

/// <summary>One entry of a base backup's tar.</summary>
/// <param name="Path">Relative, parts separated by single slashes, without leading <c>./</c> and trailing slash; empty for the root directory.</param>
/// <param name="Size">Bytes of data; 0 unless a file.</param>
/// <param name="Mode">Permission bits, as in chmod.</param>
/// <param name="LinkTarget">Where a link points; null otherwise.</param>
/// <param name="Data">The file's bytes, readable until the next entry is asked for; what is left unread is skipped. Empty unless a file.</param>
public sealed record TarEntry(
    string Path,
    TarEntryKind Kind,
    long Size,
    int Mode,
    DateTimeOffset Modified,
    string? LinkTarget,
    Stream Data);
