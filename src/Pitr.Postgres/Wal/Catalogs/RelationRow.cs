namespace Pitr.Postgres.Wal.Catalogs;

/// <summary>What a row of pg_class says.</summary>
/// <param name="Oid">The relation's OID.</param>
/// <param name="Name">Its name, without schema.</param>
/// <param name="Namespace">OID of its schema.</param>
/// <param name="File">Its file number; 0 for relations without files, and for the few catalogs that are found another way.</param>
/// <param name="Tablespace">0 for the database's own.</param>
/// <param name="Persistence">p permanent, u unlogged, t temporary.</param>
/// <param name="Kind">r table, p partitioned table, i index, I partitioned index, S sequence, v view, m materialized view, t TOAST table, c composite type, f foreign table.</param>
public sealed record RelationRow(uint Oid, string Name, uint Namespace, uint File, uint Tablespace, char Persistence, char Kind);
