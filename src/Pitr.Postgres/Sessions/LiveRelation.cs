namespace Pitr.Postgres.Sessions;

/// <summary>A relation as a server has it now.</summary>
/// <param name="Oid">Its OID.</param>
/// <param name="File">Its file number; 0 for a relation without files.</param>
/// <param name="Schema">Name of its schema.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">As in pg_class: r table, i index, …</param>
public sealed record LiveRelation(uint Oid, uint File, string Schema, string Name, char Kind);
