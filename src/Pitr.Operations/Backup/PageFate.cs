namespace Pitr.Operations.Backup;

/// <summary>What becomes of a page of a relation.</summary>
enum PageFate
{
    /// <summary>It is stored by this backup.</summary>
    Copy,

    /// <summary>It is nothing but zeros, which are stored nowhere.</summary>
    Zeros,

    /// <summary>It has not changed since the base, where it is stored.</summary>
    Reuse,
}
