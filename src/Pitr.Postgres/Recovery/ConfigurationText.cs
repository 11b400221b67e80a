using System.Text;

namespace Pitr.Postgres.Recovery;

/// <summary>
/// The lexical rules of PostgreSQL's configuration files (src/backend/utils/misc/guc-file.l): one setting a line, <c>name = value</c>, the
/// equals sign optional, strings in single quotes, <c>#</c> starts a comment. No value ever spans lines.
/// </summary>
static class ConfigurationText
{
    /// <summary>A quoted string; quotes are doubled, and backslashes too, as the file reader takes them for escapes.</summary>
    /// <exception cref="ArgumentException">Line breaks and NUL cannot be written.</exception>
    public static string Quote(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.AsSpan().IndexOfAny('\n', '\r', '\0') >= 0)
        {
            throw new ArgumentException("a value in a PostgreSQL configuration file cannot contain line breaks", nameof(value));
        }

        return $"'{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";
    }

    /// <summary>The name of the setting on a line, in lower case; null for comments, blank lines and what PostgreSQL would refuse.</summary>
    public static string? SettingName(ReadOnlySpan<char> line)
    {
        line = line.TrimStart(" \t\r\f");
        var length = 0;
        while (length < line.Length && IsNameCharacter(line[length], first: length == 0))
        {
            length++;
        }

        return length == 0 ? null : line[..length].ToString().ToLowerInvariant();
    }

    /// <summary>The value on a line that sets something, unquoted and unescaped as DeescapeQuotedString() does it; null when there is none.</summary>
    public static string? SettingValue(ReadOnlySpan<char> line)
    {
        if (SettingName(line) is not { } name)
        {
            return null;
        }

        line = line.TrimStart(" \t\r\f")[name.Length..].TrimStart(" \t\r\f");
        if (line.StartsWith("="))
        {
            line = line[1..].TrimStart(" \t\r\f");
        }

        if (line.IsEmpty || line[0] == '#')
        {
            return null;
        }

        if (line[0] != '\'')
        {
            var end = line.IndexOfAny(" \t\r\f#'");
            return (end < 0 ? line : line[..end]).ToString();
        }

        return Unquote(line[1..]);
    }

    static string? Unquote(ReadOnlySpan<char> text)
    {
        var value = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\'')
            {
                if (i + 1 == text.Length || text[i + 1] != '\'')
                {
                    return value.ToString();
                }

                value.Append('\'');
                i++;
            }
            else if (text[i] == '\\' && i + 1 < text.Length)
            {
                i = AppendEscape(value, text, i + 1);
            }
            else
            {
                value.Append(text[i]);
            }
        }

        // The closing quote is missing.
        return null;
    }

    /// <summary>Appends the escape whose letter is at <paramref name="at"/> and returns the index of its last character.</summary>
    static int AppendEscape(StringBuilder value, ReadOnlySpan<char> text, int at)
    {
        var c = text[at];
        if (c is < '0' or > '7')
        {
            value.Append(c switch
            {
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => c,
            });
            return at;
        }

        var octal = 0;
        var end = at;
        while (end < text.Length && end < at + 3 && text[end] is >= '0' and <= '7')
        {
            octal = (octal * 8) + (text[end] - '0');
            end++;
        }

        value.Append((char)(octal & 0xFF));
        return end - 1;
    }

    static bool IsNameCharacter(char c, bool first) =>
        char.IsAsciiLetter(c) || c is '_' or >= '\x80' || (!first && (char.IsAsciiDigit(c) || c is '$' or '.'));
}
