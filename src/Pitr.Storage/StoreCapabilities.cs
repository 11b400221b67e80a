namespace Pitr.Storage;

/// <summary>What a store can promise, so that policies above it can refuse or warn instead of hoping.</summary>
/// <param name="AtomicCreateIfAbsent">Of any number of racing <see cref="PutMode.CreateNew"/> exactly one succeeds.</param>
/// <param name="AtomicReplace">While an object is replaced, a reader sees the old one or the new one.</param>
/// <param name="ReadAfterWrite">What was put is at once seen by every later stat, read and listing.</param>
/// <param name="DurableOnReturn">A put that returned survives a power cut.</param>
/// <param name="Remark">What an operator should know about this store, as a sentence; <see langword="null"/> when there is nothing to say.</param>
public sealed record StoreCapabilities(
    bool AtomicCreateIfAbsent,
    bool AtomicReplace,
    bool ReadAfterWrite,
    bool DurableOnReturn,
    string? Remark = null);
