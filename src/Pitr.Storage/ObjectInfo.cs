namespace Pitr.Storage;

/// <summary>An object that is there.</summary>
/// <param name="Key">Its whole key.</param>
/// <param name="Size">Bytes stored.</param>
/// <param name="Modified">When it was put, by the store's clock.</param>
public sealed record ObjectInfo(string Key, long Size, DateTimeOffset Modified);
