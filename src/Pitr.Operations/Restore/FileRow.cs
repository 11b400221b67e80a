namespace Pitr.Operations.Restore;

/// <summary>One file of a backup on its way to disk.</summary>
struct FileRow
{
    /// <summary>Where its name is kept.</summary>
    public long Name;

    /// <summary>Bytes of its name.</summary>
    public int NameLength;

    /// <summary>Number of its directory.</summary>
    public int Directory;

    /// <summary>Bytes.</summary>
    public long Size;

    /// <summary>Ticks of UTC.</summary>
    public long Modified;

    /// <summary>Runs that have not been written yet.</summary>
    public int Outstanding;

    /// <summary>Permission bits.</summary>
    public short Mode;

    /// <summary>What is on disk.</summary>
    public FileState State;

    /// <summary>Whether packs that an earlier, interrupted restore has written hold a part of it.</summary>
    public bool IsBegun;
}
