namespace Pitr.Format.Manifests;

/// <summary>What a file system knows of an entry; only in backups of kind files.</summary>
public sealed record FileMetadata
{
    /// <summary>When its content was written last: seconds since 1970.</summary>
    public required long ModifiedSeconds { get; init; }

    /// <summary>And nanoseconds, 0 to 999 999 999.</summary>
    public required int ModifiedNanoseconds { get; init; }

    /// <summary>When it was changed last in any way: seconds since 1970.</summary>
    public required long ChangedSeconds { get; init; }

    /// <summary>And nanoseconds, 0 to 999 999 999.</summary>
    public required int ChangedNanoseconds { get; init; }

    /// <summary>Its number in its file system; 0 where it must not be taken for unchanged.</summary>
    public required ulong Inode { get; init; }

    /// <summary>Number of the user it belongs to.</summary>
    public required uint Owner { get; init; }

    /// <summary>Number of the group.</summary>
    public required uint Group { get; init; }

    /// <summary>The user's name there; null when the number had none.</summary>
    public string? OwnerName { get; init; }

    /// <summary>The group's name there; null when the number had none.</summary>
    public string? GroupName { get; init; }

    /// <summary>Its extended attributes.</summary>
    public IReadOnlyList<FileAttribute> Attributes { get; init; } = [];

    /// <summary>Of <see cref="ManifestEntryKind.Special"/>: "fifo", "socket", "character-device" or "block-device"; null otherwise.</summary>
    public string? Special { get; init; }

    /// <summary>Major number of a device; 0 otherwise.</summary>
    public uint DeviceMajor { get; init; }

    /// <summary>Minor number of a device; 0 otherwise.</summary>
    public uint DeviceMinor { get; init; }

    /// <summary>The words for <see cref="Special"/>.</summary>
    public static IReadOnlyList<string> Specials { get; } = [Fifo, Socket, CharacterDevice, BlockDevice];

    /// <summary>A moment, as well as a date can tell.</summary>
    /// <param name="seconds">Since 1970.</param>
    /// <param name="nanoseconds">And these, 0 to 999 999 999.</param>
    public static DateTimeOffset ToTime(long seconds, long nanoseconds) =>
        seconds < DateTimeOffset.MinValue.ToUnixTimeSeconds() ? DateTimeOffset.MinValue
        : seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds() ? DateTimeOffset.MaxValue
        : DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanoseconds / 100);

    /// <summary>A named pipe.</summary>
    public const string Fifo = "fifo";

    /// <summary>A socket, which nothing restores: its server makes it.</summary>
    public const string Socket = "socket";

    /// <summary>A character device.</summary>
    public const string CharacterDevice = "character-device";

    /// <summary>A block device.</summary>
    public const string BlockDevice = "block-device";
}
