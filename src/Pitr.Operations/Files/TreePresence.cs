namespace Pitr.Operations.Files;

/// <summary>What is where something is to be restored.</summary>
enum TreePresence
{
    /// <summary>Nothing.</summary>
    Absent,

    /// <summary>It itself, as the backup has it.</summary>
    Same,

    /// <summary>Something else.</summary>
    Other,
}
