using Pitr.Format.Wal;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Events;

namespace Pitr.Operations.Restore;

/// <summary>
/// Keeps a copy that recovers from writing into the tablespaces of its original. Those that the backup has are somewhere else in the copy. One that was made after
/// the backup is made by replaying, in its original place: on the original's host into the original's files. So WAL that makes one is not handed to the copy.
/// </summary>
/// <param name="from">Where replay begins; what lies before in the same segment is not replayed.</param>
public sealed class TablespaceGuard(Lsn from)
{
    readonly WalEventRun _run = new(WalEventKinds.Tablespaces);

    /// <summary>What was refused, with the next step; null when nothing was.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Looks at a file that is about to be replayed; files come in the order they are replayed.</summary>
    /// <param name="file">Its name.</param>
    /// <param name="path">Where it lies.</param>
    /// <returns>Why it must not be replayed; null when nothing speaks against it.</returns>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="WalSegmentException">It is no segment.</exception>
    public string? Refuse(string file, string path)
    {
        if (!WalSegmentName.TryParse(file, out _))
        {
            return null;
        }

        var segment = File.ReadAllBytes(path);
        var events = _run.Add(WalSegmentEvents.Scan(segment, WalSegmentHeader.Parse(segment), WalEventKinds.Tablespaces), out _);
        if (events.OfType<WalTablespaceCreated>().FirstOrDefault(made => made.Position >= from && made.Location.Length > 0) is { } outside)
        {
            Refusal = $"the WAL makes a tablespace in {outside.Location} (OID {outside.Tablespace}, at {outside.Position}); replaying it would write there, outside of the scratch space. "
                + "Take a backup: the tablespaces that a backup has go into the scratch space";
        }

        return Refusal;
    }
}
