using System.Globalization;
using System.Text;

namespace Pitr.Format.Wal;

/// <summary>
/// The ancestry of a timeline, as PostgreSQL keeps it in <c>&lt;TLI&gt;.history</c>: one line per ancestor, oldest first, with parent timeline
/// (decimal), switch point and reason; blank lines and lines starting with <c>#</c> are skipped
/// (readTimeLineHistory() of PostgreSQL 15 src/backend/access/transam/timeline.c).
/// </summary>
public sealed class TimelineHistory
{
    readonly string _text;

    TimelineHistory(Timeline timeline, IReadOnlyList<TimelineHistoryEntry> entries, string text)
    {
        Timeline = timeline;
        Entries = entries;
        _text = text;
    }

    public Timeline Timeline { get; }

    /// <summary>
    /// The ancestors that this timeline really descends from, oldest first, with switch points that do not decrease. A recovery that is told to follow a
    /// timeline and stops before that timeline begins writes it down as the parent all the same, with a switch point before the previous one: of such a
    /// file these are the ancestors as tliOfPointInHistory() finds them.
    /// </summary>
    public IReadOnlyList<TimelineHistoryEntry> Entries { get; }

    /// <summary>The history of a timeline without ancestors, i.e. of timeline 1, which has no file.</summary>
    public static TimelineHistory WithoutAncestors(Timeline timeline) => new(timeline, [], "");

    /// <exception cref="FormatException">
    /// A line is malformed, timelines do not increase, or an ancestor is not older than <paramref name="timeline"/>.
    /// The message gives the line number.
    /// </exception>
    public static TimelineHistory Parse(Timeline timeline, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var entries = new List<TimelineHistoryEntry>();
        var number = 0;
        foreach (var rawLine in text.AsSpan().EnumerateLines())
        {
            number++;
            var line = rawLine.TrimStart();
            if (line.IsEmpty || line[0] == '#')
            {
                continue;
            }

            var entry = ParseLine(line, timeline, number);
            Check(entry, entries, timeline, number);
            entries.Add(entry);
        }

        return new TimelineHistory(timeline, Reached(entries), text);
    }

    /// <summary>Writes a new history; the text has the layout PostgreSQL gives it.</summary>
    /// <exception cref="FormatException">The entries are not in order.</exception>
    public static TimelineHistory Create(Timeline timeline, IEnumerable<TimelineHistoryEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var text = new StringBuilder();
        foreach (var entry in entries)
        {
            if (text.Length > 0)
            {
                text.Append('\n');
            }

            text.Append(CultureInfo.InvariantCulture, $"{entry.Parent}\t{entry.SwitchPoint}\t{entry.Reason}\n");
        }

        return Parse(timeline, text.ToString());
    }

    /// <summary>The timeline on which the byte at <paramref name="lsn"/> lies (tliOfPointInHistory()).</summary>
    public Timeline TimelineAt(Lsn lsn)
    {
        foreach (var entry in Entries)
        {
            if (lsn < entry.SwitchPoint)
            {
                return entry.Parent;
            }
        }

        return Timeline;
    }

    /// <summary>
    /// Whether a cluster that had reached <paramref name="at"/> on <paramref name="timeline"/> can be brought to this history's timeline: it is the
    /// timeline itself, or an ancestor that was left no earlier than <paramref name="at"/>.
    /// </summary>
    public bool IsAncestor(Timeline timeline, Lsn at)
    {
        if (timeline == Timeline)
        {
            return true;
        }

        foreach (var entry in Entries)
        {
            if (entry.Parent == timeline)
            {
                return at <= entry.SwitchPoint;
            }
        }

        return false;
    }

    /// <summary>The text as it was read, byte for byte.</summary>
    public override string ToString() => _text;

    static TimelineHistoryEntry ParseLine(ReadOnlySpan<char> line, Timeline timeline, int number)
    {
        var timelineField = TakeField(ref line);
        if (!Timeline.TryParse(timelineField, out var parent))
        {
            throw Malformed(timeline, number, $"expected a timeline number, found \"{timelineField}\"");
        }

        var switchField = TakeField(ref line);
        if (!Lsn.TryParse(switchField, out var switchPoint))
        {
            throw Malformed(timeline, number, $"expected the LSN of the switch, found \"{switchField}\"");
        }

        return new TimelineHistoryEntry(parent, switchPoint, line.Trim().ToString());
    }

    static void Check(TimelineHistoryEntry entry, List<TimelineHistoryEntry> before, Timeline timeline, int number)
    {
        if (entry.Parent >= timeline)
        {
            throw Malformed(timeline, number, $"timeline {entry.Parent} is not older than {timeline}");
        }

        if (before.Count == 0)
        {
            return;
        }

        if (entry.Parent <= before[^1].Parent)
        {
            throw Malformed(timeline, number, $"timeline {entry.Parent} follows {before[^1].Parent}, but they must increase");
        }
    }

    // What a later timeline has from a point on no earlier one has behind it; where that leaves nothing, the timeline was never reached.
    static List<TimelineHistoryEntry> Reached(List<TimelineHistoryEntry> written)
    {
        var reached = new List<TimelineHistoryEntry>();
        for (var i = written.Count - 1; i >= 0; i--)
        {
            if (i > 0 && written[i].SwitchPoint < written[i - 1].SwitchPoint)
            {
                written[i - 1] = written[i - 1] with { SwitchPoint = written[i].SwitchPoint };
            }
            else
            {
                reached.Insert(0, written[i]);
            }
        }

        return reached;
    }

    static ReadOnlySpan<char> TakeField(ref ReadOnlySpan<char> line)
    {
        line = line.TrimStart();
        var end = 0;
        while (end < line.Length && !char.IsWhiteSpace(line[end]))
        {
            end++;
        }

        var field = line[..end];
        line = line[end..];
        return field;
    }

    static FormatException Malformed(Timeline timeline, int line, string what) =>
        new($"history of timeline {timeline}, line {line}: {what}");
}
