namespace Pitr.Format.Catalog;

/// <summary>A page whose checksum was wrong on the server, and was stored as it is.</summary>
/// <param name="Path">File below the data directory.</param>
/// <param name="Block">Number of the page in the relation, over all of its files.</param>
public sealed record DamagedPage(string Path, long Block);
