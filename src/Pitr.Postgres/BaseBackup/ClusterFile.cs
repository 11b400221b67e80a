namespace Pitr.Postgres.BaseBackup;

/// <summary>A file, directory or tablespace link of a data directory, as it was when it was listed.</summary>
/// <param name="Path">Below the data directory, parts separated by slashes.</param>
/// <param name="FullPath">Where to open it.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Mode">Permission bits.</param>
/// <param name="Modified">When its content changed last.</param>
/// <param name="LinkTarget">Where a link points; null otherwise.</param>
/// <param name="Size">Bytes of a file; 0 otherwise.</param>
public sealed record ClusterFile(string Path, string FullPath, TarEntryKind Kind, int Mode, DateTimeOffset Modified, string? LinkTarget, long Size);
