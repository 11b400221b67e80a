using System.Text;

namespace Pitr.Postgres.Dumps;

/// <summary>
/// A name as pg_dump's <c>--table</c> and <c>--schema</c> take it ("Patterns" in the manual's page on psql; patternToSQLRegex() of PostgreSQL 15
/// src/fe_utils/string_utils.c): folded to lower case outside of double quotes, <c>*</c> and <c>?</c> are wildcards there, and so is whatever
/// a regular expression is made of. The server matches it.
/// </summary>
/// <param name="Text">As it was written.</param>
/// <param name="Schema">Regular expression for the schema; null: any schema that the search path shows.</param>
/// <param name="Name">Regular expression for the name.</param>
/// <param name="ExactSchema">The schema when the pattern can mean one only.</param>
/// <param name="ExactName">The name when the pattern can mean one only.</param>
public sealed record NamePattern(string Text, string? Schema, string Name, string? ExactSchema, string? ExactName)
{
    const string RegexCharacters = "|*+?()[]{}.^$\\";

    /// <summary>Reads <c>NAME</c> or <c>SCHEMA.NAME</c>.</summary>
    /// <exception cref="FormatException">A quote is left open, a part is empty, or there are more parts.</exception>
    public static NamePattern ParseTable(string text)
    {
        var parts = Parse(text);
        return parts.Count switch
        {
            1 => new NamePattern(text, null, parts[0].Regex, null, parts[0].Exact),
            2 => new NamePattern(text, parts[0].Regex, parts[1].Regex, parts[0].Exact, parts[1].Exact),
            _ => throw new FormatException($"\"{text}\" has too many dots: SCHEMA.NAME, with a dot that belongs to a name inside of double quotes"),
        };
    }

    /// <summary>Reads the name of a schema.</summary>
    /// <exception cref="FormatException">A quote is left open, it is empty, or there is a dot outside of quotes.</exception>
    public static NamePattern ParseSchema(string text) => Parse(text) is [var only]
        ? new NamePattern(text, null, only.Regex, null, only.Exact)
        : throw new FormatException($"\"{text}\" is no schema: a dot that belongs to its name must be inside of double quotes");

    static List<(string Regex, string? Exact)> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = new List<(string, string?)>();
        var (regex, exact) = (new StringBuilder(), new StringBuilder());
        var (quoted, isExact) = (false, true);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '"')
            {
                if (quoted && i + 1 < text.Length && text[i + 1] == '"')
                {
                    Take('"');
                    i++;
                }
                else
                {
                    quoted = !quoted;
                }
            }
            else if (!quoted && c == '.')
            {
                End();
            }
            else if (!quoted && (c is '*' or '?'))
            {
                regex.Append(c == '*' ? ".*" : ".");
                isExact = false;
            }
            else
            {
                Take(!quoted && char.IsAsciiLetterUpper(c) ? char.ToLowerInvariant(c) : c);
            }
        }

        if (quoted)
        {
            throw new FormatException($"\"{text}\" leaves a double quote open");
        }

        End();
        return parts;

        // A dollar sign is part of names, and never taken for the end of a line.
        void Take(char c)
        {
            var special = RegexCharacters.Contains(c, StringComparison.Ordinal);
            if (special && (quoted || c == '$'))
            {
                regex.Append('\\');
            }
            else
            {
                isExact &= !special;
            }

            regex.Append(c);
            exact.Append(c);
        }

        void End()
        {
            if (regex.Length == 0)
            {
                throw new FormatException($"\"{text}\" names nothing, or has a part without a name");
            }

            parts.Add(($"^({regex})$", isExact ? exact.ToString() : null));
            regex.Clear();
            exact.Clear();
            isExact = true;
        }
    }
}
