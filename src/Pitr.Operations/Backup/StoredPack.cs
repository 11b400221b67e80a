using Pitr.Format.Catalog;

namespace Pitr.Operations.Backup;

/// <summary>A pack that this backup wrote.</summary>
/// <param name="Object">As it is stored.</param>
/// <param name="Salt">Of its header, as the manifest gives it.</param>
public sealed record StoredPack(StoredObject Object, string Salt);
