namespace Pitr.Storage;

/// <summary>One line of a listing.</summary>
/// <param name="Key">The whole key; for a sub-prefix it ends in <c>/</c>.</param>
/// <param name="Size">Bytes stored; 0 for a sub-prefix, and with <see cref="ListMode.Names"/> when it was not asked for.</param>
/// <param name="Modified">When the object was put, by the store's clock; <see cref="DateTimeOffset.UnixEpoch"/> where the size is 0 for these reasons.</param>
/// <param name="IsPrefix">Whether this is a sub-prefix rather than an object.</param>
public sealed record ObjectListing(string Key, long Size, DateTimeOffset Modified, bool IsPrefix);
