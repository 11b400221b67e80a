namespace Pitr.Operations.Restore;

/// <summary>What a restore needs of one file system.</summary>
/// <param name="Place">A directory on it, which exists.</param>
/// <param name="NeededBytes">Bytes that go there.</param>
/// <param name="AvailableBytes">Bytes that are free, and those that the restore will make free.</param>
public sealed record SpaceNeed(string Place, long NeededBytes, long AvailableBytes);
