using Pitr.Format.Manifests;

namespace Pitr.Operations.Files;

/// <summary>Makes what a manifest says of a file out of what its file system says.</summary>
/// <param name="accounts">Names of users and groups.</param>
/// <param name="clock">The present.</param>
sealed class TreeMetadata(AccountNames accounts, TimeProvider clock)
{
    // A change gets the time of the kernel's last tick, so another one in the same tick leaves no trace; on file systems that count seconds (or two, FAT) the tick is that long.
    static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan CoarseTick = TimeSpan.FromSeconds(3);

    /// <summary>Of anything.</summary>
    public FileMetadata Of(in TreeStatus status, IReadOnlyList<FileAttribute> attributes) => new()
    {
        ModifiedSeconds = status.ModifiedSeconds,
        ModifiedNanoseconds = status.ModifiedNanoseconds,
        ChangedSeconds = status.ChangedSeconds,
        ChangedNanoseconds = status.ChangedNanoseconds,
        Inode = MayChangeUnseen(status) ? 0 : status.Inode,
        Owner = status.Owner,
        Group = status.Group,
        OwnerName = accounts.User(status.Owner),
        GroupName = accounts.Group(status.Group),
        Attributes = attributes,
        Special = SpecialOf(status),
        DeviceMajor = status.SpecialMajor,
        DeviceMinor = status.SpecialMinor,
    };

    /// <summary>When something was written last, as well as a date can tell.</summary>
    public static DateTimeOffset Modified(in TreeStatus status) => FileMetadata.ToTime(status.ModifiedSeconds, status.ModifiedNanoseconds);

    bool MayChangeUnseen(in TreeStatus status)
    {
        var tick = status.ChangedNanoseconds == 0 ? CoarseTick : Tick;
        var (now, changed) = (clock.GetUtcNow().ToUnixTimeMilliseconds(), (status.ChangedSeconds * 1000) + (status.ChangedNanoseconds / 1_000_000));
        return changed > now - (long)tick.TotalMilliseconds;
    }

    static string? SpecialOf(in TreeStatus status) => status.Type switch
    {
        TreeCalls.Fifo => FileMetadata.Fifo,
        TreeCalls.Socket => FileMetadata.Socket,
        TreeCalls.CharacterDevice => FileMetadata.CharacterDevice,
        TreeCalls.BlockDevice => FileMetadata.BlockDevice,
        _ => null,
    };
}
