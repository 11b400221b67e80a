namespace Pitr.Postgres.Pages;

/// <summary>What a relation's file holds (ForkNumber of src/include/common/relpath.h).</summary>
public enum RelationFork
{
    /// <summary>The rows, or an index's entries.</summary>
    Main,

    /// <summary>Where there is room; may be wrong or missing.</summary>
    FreeSpaceMap,

    /// <summary>Which pages everybody sees.</summary>
    VisibilityMap,

    /// <summary>What an unlogged relation is after a crash.</summary>
    Initial,
}
