namespace Pitr.Operations.Archive.Search;

/// <summary>How far a search has come.</summary>
/// <param name="Phase">What is being done, for people.</param>
/// <param name="Bytes">Bytes of WAL looked at.</param>
/// <param name="TotalBytes">Bytes of WAL to look at.</param>
public sealed record WalSearchProgress(string Phase, long Bytes, long TotalBytes);
