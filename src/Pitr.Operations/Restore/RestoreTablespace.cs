namespace Pitr.Operations.Restore;

/// <summary>A tablespace of a backup.</summary>
/// <param name="Oid">Its OID, decimal: the name of its link below pg_tblspc.</param>
/// <param name="Location">The directory it had on the server that was backed up.</param>
public sealed record RestoreTablespace(string Oid, string Location);
