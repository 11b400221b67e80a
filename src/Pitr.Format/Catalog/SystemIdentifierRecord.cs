namespace Pitr.Format.Catalog;

/// <summary>A cluster seen under a service's name.</summary>
/// <param name="SystemIdentifier">PostgreSQL's system identifier in decimal; text, because JSON numbers are not exact at 64 bits.</param>
/// <param name="PostgresVersion">major version, e.g. 15: it is read from WAL, which does not tell more.</param>
/// <param name="WalSegmentSize">Bytes.</param>
/// <param name="FirstSeen">When the service first stored something of this cluster.</param>
public sealed record SystemIdentifierRecord(string SystemIdentifier, int PostgresVersion, int WalSegmentSize, DateTimeOffset FirstSeen);
