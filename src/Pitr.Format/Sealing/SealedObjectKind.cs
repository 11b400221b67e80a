namespace Pitr.Format.Sealing;

/// <summary>What a sealed object holds; part of the authenticated header.</summary>
public enum SealedObjectKind : byte
{
    /// <summary>Anything without a kind of its own.</summary>
    Stream = 0,

    /// <summary>A WAL file.</summary>
    Wal = 1,

    /// <summary>A pack: separately sealed records instead of chunks.</summary>
    Pack = 2,

    /// <summary>The manifest of a backup.</summary>
    Manifest = 3,
}
