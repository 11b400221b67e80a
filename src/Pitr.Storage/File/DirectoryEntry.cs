namespace Pitr.Storage.File;

/// <summary>A name in a directory and what it names.</summary>
/// <param name="Name">The name.</param>
/// <param name="IsDirectory">Whether it is a directory.</param>
/// <param name="IsRegularFile">Whether it is a regular file; neither is true for links, sockets and devices.</param>
readonly record struct DirectoryEntry(string Name, bool IsDirectory, bool IsRegularFile)
{
    /// <summary>The name as it sorts among keys: those below a directory have a slash next.</summary>
    public string SortName => IsDirectory ? Name + "/" : Name;
}
