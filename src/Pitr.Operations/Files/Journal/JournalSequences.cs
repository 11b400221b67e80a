using Pitr.Format.Catalog;

namespace Pitr.Operations.Files.Journal;

/// <summary>
/// How far each numbering of the journal's entries is stored. Tells what is stored already where no cursor can: entries of one numbering get higher numbers as they come, and an entry with a number that is
/// stored, but a later time than any that is, is another one (a machine that went back to a snapshot).
/// </summary>
sealed class JournalSequences
{
    const int MostKept = 16;

    readonly List<JournalSequence> _known;

    /// <param name="known">As the newest backup has them.</param>
    public JournalSequences(IReadOnlyList<JournalSequence> known) => _known = [.. known];

    /// <summary>As the next backup should have them.</summary>
    public IReadOnlyList<JournalSequence> ToRecord() => [.. _known.TakeLast(MostKept)];

    /// <summary>Whether an entry is stored.</summary>
    public bool Holds(string cursor) => JournalCursor.TryParse(cursor, out var entry)
        && _known.Exists(known => known.Id == entry.Sequence && entry.Number <= known.Last && entry.Time <= known.Time);

    /// <summary>Notes an entry that is stored now.</summary>
    public void Add(string cursor)
    {
        if (!JournalCursor.TryParse(cursor, out var entry))
        {
            return;
        }

        var at = _known.FindLastIndex(known => known.Id == entry.Sequence);
        var before = at < 0 ? new JournalSequence(entry.Sequence, 0, 0) : _known[at];
        var after = before with { Last = Math.Max(before.Last, entry.Number), Time = Math.Max(before.Time, entry.Time) };
        if (at >= 0 && at == _known.Count - 1)
        {
            _known[at] = after;
            return;
        }

        if (at >= 0)
        {
            _known.RemoveAt(at);
        }

        _known.Add(after);
    }
}
