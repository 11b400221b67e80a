using System.Globalization;

namespace Pitr.Operations.Files.Journal;

/// <summary>
/// What a cursor of the journal says of its entry. Cursors are opaque (sd_journal_get_cursor(3)), but have had one form since there are any
/// (systemd src/libsystemd/sd-journal/sd-journal.c): one of another form is good for going on all the same.
/// </summary>
/// <param name="Sequence">Which numbering it belongs to.</param>
/// <param name="Number">Its number there.</param>
/// <param name="Time">Microseconds since 1970.</param>
readonly record struct JournalCursor(string Sequence, long Number, long Time)
{
    /// <summary>Reads <c>s=…;i=…;b=…;m=…;t=…;x=…</c>; false for what has another form.</summary>
    public static bool TryParse(string text, out JournalCursor cursor)
    {
        cursor = default;
        var (sequence, number, time) = ("", -1L, -1L);
        foreach (var part in text.Split(';'))
        {
            var value = part.AsSpan(Math.Min(2, part.Length));
            switch (part.AsSpan(0, Math.Min(2, part.Length)))
            {
                case "s=":
                    sequence = value.ToString();
                    break;
                case "i=" when long.TryParse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var parsed):
                    number = parsed;
                    break;
                case "t=" when long.TryParse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var parsed):
                    time = parsed;
                    break;
            }
        }

        if (sequence.Length is 0 or > 64 || number < 0 || time < 0)
        {
            return false;
        }

        cursor = new JournalCursor(sequence, number, time);
        return true;
    }
}
