using Pitr.Format.Wal;
using Pitr.Postgres.Wal;
using Pitr.Storage.File;

namespace Pitr.Operations.Archive;

/// <summary>What a push did.</summary>
/// <param name="Name">The file.</param>
/// <param name="Bytes">Its size, in bytes.</param>
/// <param name="StoredBytes">Size of the sealed object, in bytes.</param>
/// <param name="AlreadyStored">Every repository already held exactly this content.</param>
/// <param name="Stamp">Which file was read, in which state.</param>
/// <param name="Damage">Where recovery will end because the segment's records stop making sense; it is archived all the same. Null when it is whole.</param>
public sealed record ArchivePushResult(WalFileName Name, long Bytes, long StoredBytes, bool AlreadyStored, FileStamp Stamp, WalDamage? Damage = null);
