namespace Pitr.Postgres.Sessions;

/// <summary>A tablespace outside the data directory.</summary>
/// <param name="Location">Absolute path on the server, or relative to the data directory for an in-place tablespace.</param>
public sealed record Tablespace(uint Oid, string Name, string Location);
