namespace Pitr.Format.Packs;

/// <summary>Where a record lies in its pack.</summary>
/// <param name="Index">Position among the pack's records, from 0; needed to open it.</param>
/// <param name="Offset">Bytes from the start of the pack.</param>
/// <param name="StoredLength">Bytes in the pack, tag included.</param>
public readonly record struct PackRecord(int Index, long Offset, int StoredLength);
