namespace Pitr.Storage.File;

/// <summary>A name in the directory of a repository.</summary>
/// <param name="Path">Below the repository's directory, which itself is <c>.</c>; printable, so not always what the file system calls it.</param>
/// <param name="Key">The object's key; null for the repository's directory itself and for what no key can name.</param>
/// <param name="IsUnfinished">Whether it is what a put writes before it gives the object its name.</param>
/// <param name="Kind">What it names.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Modified">When it was last written.</param>
/// <param name="Mode">Permissions: the lower 12 bits of st_mode.</param>
/// <param name="Owner">The number of the user who owns it.</param>
public sealed record FileTreeEntry(string Path, string? Key, bool IsUnfinished, FileTreeEntryKind Kind, long Size, DateTimeOffset Modified, int Mode, uint Owner)
{
    const int ReadByOthers = 0b100;
    const int WrittenByGroupOrOthers = 0b010_010;

    /// <summary>Whether others than owner and group may read it, or others than the owner may write it. A link has no permissions of its own.</summary>
    public bool IsExposed => Kind != FileTreeEntryKind.SymbolicLink && (Mode & (ReadByOthers | WrittenByGroupOrOthers)) != 0;
}
