namespace Pitr.Operations.Restore;

/// <summary>Where a tablespace is restored to.</summary>
/// <param name="Tablespace">Which one.</param>
/// <param name="Target">What its link below pg_tblspc will name; absolute.</param>
/// <param name="Directory">The same directory with every link on the way resolved: what is written through.</param>
public sealed record TablespacePlace(RestoreTablespace Tablespace, string Target, string Directory);
