namespace Pitr.Operations.Restore.InPlace;

/// <summary>A directory of the old cluster and where it waits, on the same file system.</summary>
/// <param name="Place">Absolute, links resolved: the data directory, or a tablespace's directory of one version of PostgreSQL.</param>
/// <param name="Aside">Beside it.</param>
public sealed record InPlaceMove(string Place, string Aside);
