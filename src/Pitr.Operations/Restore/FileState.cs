namespace Pitr.Operations.Restore;

/// <summary>What there is on disk of a file that is being restored.</summary>
enum FileState : byte
{
    Absent,

    /// <summary>A file from before this restore, not touched yet.</summary>
    Found,

    /// <summary>A file from before this restore, with its size and mode set right: what is in it may be kept.</summary>
    Kept,

    /// <summary>Made by this restore: what was not written is zeros.</summary>
    Made,
}
