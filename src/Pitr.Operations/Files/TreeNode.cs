namespace Pitr.Operations.Files;

/// <summary>A directory that a walk is in.</summary>
/// <param name="parent">The one it lies in; null for the root of all.</param>
/// <param name="path">Of the manifest; empty for the root of all.</param>
/// <param name="directory">Open.</param>
/// <param name="status">As it was found.</param>
sealed class TreeNode(TreeNode? parent, string path, OpenDirectory directory, TreeStatus status)
{
    /// <summary>The directory it lies in; null for the root of all.</summary>
    public TreeNode? Parent => parent;

    /// <summary>Its path in the manifest; empty for the root of all, which no manifest names.</summary>
    public string Path => path;

    /// <summary>Open.</summary>
    public OpenDirectory Directory => directory;

    /// <summary>As it was found.</summary>
    public TreeStatus Status => status;

    /// <summary>Whether it is in the manifest.</summary>
    public bool IsWritten { get; set; } = path.Length == 0;

    /// <summary>The path of something in it.</summary>
    public string PathOf(string name) => path.Length == 0 ? name : $"{path}/{name}";
}
