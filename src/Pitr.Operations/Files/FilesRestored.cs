namespace Pitr.Operations.Files;

/// <summary>What a restore of files did, or would do.</summary>
public sealed record FilesRestored
{
    /// <summary>Regular files, also those that were as they should be.</summary>
    public int Files { get; set; }

    /// <summary>Their bytes.</summary>
    public long Bytes { get; set; }

    /// <summary>Directories.</summary>
    public int Directories { get; set; }

    /// <summary>Symbolic links.</summary>
    public int Links { get; set; }

    /// <summary>Further names of files.</summary>
    public int HardLinks { get; set; }

    /// <summary>Named pipes and devices.</summary>
    public int Specials { get; set; }

    /// <summary>Files and links that were there as the backup has them, and were left alone.</summary>
    public int Unchanged { get; set; }

    /// <summary>Files and others that come where nothing was.</summary>
    public int New { get; set; }

    /// <summary>What was there and lies beside the restored, under its name with <see cref="AsideSuffix"/>.</summary>
    public int Aside { get; set; }

    /// <summary>What their names end with.</summary>
    public required string AsideSuffix { get; init; }

    /// <summary>Sockets, which nothing but their servers can make.</summary>
    public int SocketsLeftOut { get; set; }

    /// <summary>Devices that only root may make.</summary>
    public int DevicesLeftOut { get; set; }

    /// <summary>What belongs to another user or group here than in the backup, because only root may give files away.</summary>
    public int OtherOwners { get; set; }

    /// <summary>Extended attributes that could not be set here.</summary>
    public int AttributesLeftOut { get; set; }

    /// <summary>Whether the backup holds a journal that was left out, because only journald writes the system's.</summary>
    public bool JournalLeftOut { get; set; }
}
