namespace Pitr.Operations.Backup;

/// <summary>A pack that was stored.</summary>
/// <param name="Number">Its number in the backup.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Of the whole pack, hexadecimal.</param>
/// <param name="Salt">Of its header.</param>
/// <param name="ContentBytes">Bytes of files it holds, before compression.</param>
sealed record JournaledPack(int Number, long Size, string Sha256, string Salt, long ContentBytes);
