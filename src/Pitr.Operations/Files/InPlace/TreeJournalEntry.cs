namespace Pitr.Operations.Files.InPlace;

/// <summary>Something that a restore in place gives its name, in the journal: known before it is done.</summary>
/// <param name="Directory">Number of its directory.</param>
/// <param name="Name">The name it gets, with a zero at its end.</param>
/// <param name="Temporary">The name it has until then.</param>
/// <param name="Restored">It itself.</param>
/// <param name="Former">What has the name now; null when nothing has.</param>
/// <param name="Attempt">Which of the names aside that gets.</param>
sealed record TreeJournalEntry(int Directory, byte[] Name, byte[] Temporary, TreeIdentity Restored, TreeIdentity? Former, int Attempt)
{
    /// <summary>When it got its name; null when that is not known.</summary>
    public TreeTime? RestoredChanged { get; set; }

    /// <summary>When what was there got its name aside; null when that is not known, or nothing was there.</summary>
    public TreeTime? FormerChanged { get; set; }

    public void Write(BinaryWriter to)
    {
        to.Write(Directory);
        to.Write((ushort)Name.Length);
        to.Write(Name);
        to.Write((ushort)Temporary.Length);
        to.Write(Temporary);
        Restored.Write(to);
        to.Write(Former is not null);
        if (Former is { } former)
        {
            former.Write(to);
            to.Write(Attempt);
        }
    }

    public static TreeJournalEntry Read(BinaryReader from)
    {
        var (directory, name, temporary, restored) = (from.ReadInt32(), from.ReadBytes(from.ReadUInt16()), from.ReadBytes(from.ReadUInt16()), TreeIdentity.Read(from));
        TreeIdentity? former = from.ReadBoolean() ? TreeIdentity.Read(from) : null;
        return new TreeJournalEntry(directory, name, temporary, restored, former, former is null ? 0 : from.ReadInt32());
    }
}
