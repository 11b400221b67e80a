namespace Pitr.Postgres.Wal;

/// <summary>A file is not the WAL segment it is said to be: foreign content, another PostgreSQL version, another place, another length.</summary>
public sealed class WalSegmentException(string message) : Exception(message);
