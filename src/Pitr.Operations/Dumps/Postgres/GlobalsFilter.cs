using System.Text;

namespace Pitr.Operations.Dumps.Postgres;

/// <summary>Takes the tablespaces out of what <c>pg_dumpall --globals-only</c> wrote: their directories are outside of a server, and may be those of the original.</summary>
static class GlobalsFilter
{
    const string Statement = "CREATE TABLESPACE ";

    /// <summary>The script without the statements that make tablespaces; everything else stays byte for byte.</summary>
    /// <returns>It, and how many were taken out.</returns>
    public static (byte[] Script, int Tablespaces) WithoutTablespaces(ReadOnlySpan<byte> script)
    {
        // One character for each byte: what matters is ASCII, whatever the encoding.
        var text = Encoding.Latin1.GetString(script);
        var kept = new StringBuilder(text.Length);
        var removed = 0;
        for (var start = 0; start < text.Length;)
        {
            var (first, end) = NextStatement(text, start);
            var isTablespace = string.CompareOrdinal(text, first, Statement, 0, Statement.Length) == 0;
            removed += isTablespace ? 1 : 0;
            kept.Append(text, start, (isTablespace ? first : end) - start);
            start = end;
        }

        return (Encoding.Latin1.GetBytes(kept.ToString()), removed);
    }

    // Where the statement's own text begins, behind blanks and comments, and where the next one's blanks do.
    static (int First, int End) NextStatement(string text, int start)
    {
        var first = -1;
        for (var at = start; at < text.Length; at++)
        {
            var c = text[at];
            if (c == '-' && at + 1 < text.Length && text[at + 1] == '-')
            {
                at = EndOfLine(text, at);
            }
            else if (c is '\'' or '"')
            {
                first = first < 0 ? at : first;
                at = text.IndexOf(c, at + 1) is >= 0 and var close ? close : text.Length - 1;
            }
            else if (c == '\\' && first < 0)
            {
                // A command of psql is a line: \restrict and \unrestrict.
                return (at, EndOfLine(text, at) + 1);
            }
            else if (c == ';')
            {
                return (first < 0 ? at : first, at + 1);
            }
            else if (first < 0 && !char.IsWhiteSpace(c))
            {
                first = at;
            }
        }

        return (first < 0 ? text.Length : first, text.Length);
    }

    static int EndOfLine(string text, int at) => text.IndexOf('\n', at) is >= 0 and var end ? end : text.Length - 1;
}
