namespace Pitr.Storage.Testing;

/// <summary>A call that reached a <see cref="FaultyObjectStore"/>.</summary>
/// <param name="Operation">What was asked.</param>
/// <param name="Key">The key, or the prefix of a listing.</param>
public readonly record struct StoreCall(StoreOperation Operation, string Key);
