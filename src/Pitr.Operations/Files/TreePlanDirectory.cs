namespace Pitr.Operations.Files;

/// <summary>A directory of a restore.</summary>
/// <param name="parent">Number of the one it lies in; -1 for what stands for /.</param>
/// <param name="name">Its name, with a zero at its end.</param>
/// <param name="path">Of the manifest.</param>
sealed class TreePlanDirectory(int parent, byte[] name, string path)
{
    /// <summary>Number of the one it lies in; -1 for what stands for /.</summary>
    public int Parent => parent;

    /// <summary>Its name, with a zero at its end.</summary>
    public byte[] Name => name;

    /// <summary>Of the manifest.</summary>
    public string Path => path;

    /// <summary>Whether it itself was asked for.</summary>
    public bool IsMeant { get; set; }

    /// <summary>Whether something in it is restored, or it itself.</summary>
    public bool IsNeeded { get; set; }

    /// <summary>Whether something in it is written.</summary>
    public bool IsWritten { get; set; }

    /// <summary>Whether the restore has made it.</summary>
    public bool IsNew { get; set; }
}
