using Pitr.Format.Manifests;

namespace Pitr.Operations.Files.InPlace;

/// <summary>A directory in the journal of a restore of files in place: as it was before, and what the restore makes of it.</summary>
/// <param name="number">Its number in the restore; the one it lies in has a smaller one.</param>
/// <param name="parent">Number of the one it lies in; -1 for what stands for /.</param>
/// <param name="name">Its name, with a zero at its end.</param>
sealed class TreeJournalDirectory(int number, int parent, byte[] name)
{
    /// <summary>Its number in the restore.</summary>
    public int Number => number;

    /// <summary>Number of the one it lies in; -1 for what stands for /.</summary>
    public int Parent => parent;

    /// <summary>Its name, with a zero at its end.</summary>
    public byte[] Name => name;

    /// <summary>As it was; null when there was none, or something that is no directory.</summary>
    public TreeIdentity? Former { get; init; }

    /// <summary>Its extended attributes as they were.</summary>
    public IReadOnlyList<FileAttribute> Attributes { get; init; } = [];

    /// <summary>Whether the restore changes it, or what its entries are.</summary>
    public bool IsTouched { get; init; }

    /// <summary>What had its name and is no directory; null when nothing had.</summary>
    public TreeIdentity? InTheWay { get; init; }

    /// <summary>Which of the names aside that gets.</summary>
    public int Attempt { get; set; }

    /// <summary>When that got its name aside.</summary>
    public TreeTime? AsideChanged { get; set; }

    /// <summary>Its inode number, once it was made; 0 when somebody else made it meanwhile; null when that is not known.</summary>
    public ulong? Made { get; set; }

    public void Write(BinaryWriter to)
    {
        to.Write(number);
        to.Write(parent);
        to.Write((ushort)name.Length);
        to.Write(name);
        to.Write(IsTouched);
        to.Write(Former is not null);
        if (Former is { } former)
        {
            former.Write(to);
            to.Write(Attributes.Count);
            foreach (var attribute in Attributes)
            {
                to.Write(attribute.Name);
                to.Write(attribute.Value.Length);
                to.Write(attribute.Value);
            }
        }

        to.Write(InTheWay is not null);
        if (InTheWay is { } other)
        {
            other.Write(to);
            to.Write(Attempt);
        }
    }

    public static TreeJournalDirectory Read(BinaryReader from)
    {
        var (number, parent, name, isTouched) = (from.ReadInt32(), from.ReadInt32(), from.ReadBytes(from.ReadUInt16()), from.ReadBoolean());
        TreeIdentity? former = from.ReadBoolean() ? TreeIdentity.Read(from) : null;
        var attributes = new List<FileAttribute>();
        for (var left = former is null ? 0 : from.ReadInt32(); left > 0; left--)
        {
            attributes.Add(new FileAttribute(from.ReadString(), from.ReadBytes(from.ReadInt32())));
        }

        TreeIdentity? inTheWay = from.ReadBoolean() ? TreeIdentity.Read(from) : null;
        return new TreeJournalDirectory(number, parent, name)
        {
            IsTouched = isTouched, Former = former, Attributes = attributes, InTheWay = inTheWay, Attempt = inTheWay is null ? 0 : from.ReadInt32(),
        };
    }
}
