namespace Pitr.Operations.Files.InPlace;

/// <summary>A time of a file system.</summary>
/// <param name="Seconds">Since 1970 in UTC.</param>
/// <param name="Nanoseconds">0 to 999 999 999.</param>
readonly record struct TreeTime(long Seconds, int Nanoseconds)
{
    /// <summary>When something was changed last: content, mode, owner, name (ctime). No program can set it.</summary>
    public static TreeTime ChangeOf(in TreeStatus status) => new(status.ChangedSeconds, status.ChangedNanoseconds);

    /// <summary>Whether it is later.</summary>
    public bool IsAfter(TreeTime other) => Seconds > other.Seconds || (Seconds == other.Seconds && Nanoseconds > other.Nanoseconds);

    public void Write(BinaryWriter to)
    {
        to.Write(Seconds);
        to.Write(Nanoseconds);
    }

    public static TreeTime Read(BinaryReader from) => new(from.ReadInt64(), from.ReadInt32());
}
