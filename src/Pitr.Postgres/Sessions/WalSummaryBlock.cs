namespace Pitr.Postgres.Sessions;

/// <summary>One row of pg_wal_summary_contents(): a block of a relation's main fork that WAL has changed, or from which block on everything has.</summary>
/// <param name="Tablespace">OID of the tablespace.</param>
/// <param name="Database">OID of the database; 0 for relations that all share.</param>
/// <param name="Relation">The relation's file number; 0 for every relation of that database in that tablespace.</param>
/// <param name="Block">The block's number, over all files of the relation.</param>
/// <param name="IsLimit">The relation was made or removed (0), or truncated to that many blocks: nothing from there on is as it was.</param>
public readonly record struct WalSummaryBlock(uint Tablespace, uint Database, uint Relation, uint Block, bool IsLimit);
