namespace Pitr.Format.Sealing;

/// <summary>How the content of a sealed object is compressed before it is encrypted.</summary>
public enum SealedObjectCodec : byte
{
    None = 0,

    /// <summary>One zstd frame (RFC 8878); in a pack, one per record.</summary>
    Zstd = 1,
}
