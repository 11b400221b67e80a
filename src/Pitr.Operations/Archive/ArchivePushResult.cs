using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>What a push did.</summary>
/// <param name="Name">The file.</param>
/// <param name="Bytes">Its size, in bytes.</param>
/// <param name="StoredBytes">Size of the sealed object, in bytes.</param>
/// <param name="AlreadyStored">Every repository already held exactly this content.</param>
/// <param name="Stamp">Which file was read, in which state.</param>
public sealed record ArchivePushResult(WalFileName Name, long Bytes, long StoredBytes, bool AlreadyStored, FileStamp Stamp);
