namespace Pitr.Storage.File;

/// <summary>What a name in the directory of a repository names.</summary>
public enum FileTreeEntryKind
{
    /// <summary>Something of a kind that is none of the others, or that cannot be told.</summary>
    Other = 0,

    /// <summary>A regular file.</summary>
    File,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A symbolic link.</summary>
    SymbolicLink,

    /// <summary>A socket.</summary>
    Socket,

    /// <summary>A named pipe.</summary>
    Pipe,

    /// <summary>A device.</summary>
    Device,
}
