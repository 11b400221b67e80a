namespace Pitr.Operations.Files.InPlace;

/// <summary>What the journal of a restore of files in place begins with.</summary>
/// <param name="Id">Of the restore: its moment, and what its temporary names have in common.</param>
/// <param name="Moment">UTC start as backups are named; part of the names aside.</param>
/// <param name="Tag">What its temporary names have in common.</param>
/// <param name="Service">The service.</param>
/// <param name="Backup">The backup.</param>
public sealed record TreeJournalHead(string Id, string Moment, string Tag, string Service, string Backup)
{
    /// <summary>What the names of what was there end with.</summary>
    public string Before => $".before-{Moment}";

    /// <summary>What the names of what was restored and has changed since end with, when it goes back.</summary>
    internal string Undone => $".undone-{Moment}";

    /// <summary>What its temporary names begin with.</summary>
    internal string Temporary => $".pitr-{Tag}-";

    internal void Write(BinaryWriter to)
    {
        foreach (var text in new[] { Id, Moment, Tag, Service, Backup })
        {
            to.Write(text);
        }
    }

    internal static TreeJournalHead Read(BinaryReader from) => new(from.ReadString(), from.ReadString(), from.ReadString(), from.ReadString(), from.ReadString());
}
