using System.Globalization;
using System.Text;
using Pitr.Postgres;

namespace Pitr.Operations.Drill.Dumps;

/// <summary>Reads a reply as <c>redis-cli --no-raw</c> shows it (Redis 7 src/redis-cli.c, cliFormatReplyTTY).</summary>
static class RedisReply
{
    const string Integer = "(integer) ";
    const string Double = "(double) ";
    const string Error = "(error) ";
    const string Nil = "(nil)";
    const string Empty = "(empty ";

    /// <summary>The value of a simple reply; of an array, how many elements it has.</summary>
    /// <exception cref="ServerException">The reply is an error.</exception>
    public static SqlAnswer Read(string shown)
    {
        ArgumentNullException.ThrowIfNull(shown);
        shown = WithoutDuration(shown);
        if (shown.StartsWith(Error, StringComparison.Ordinal))
        {
            throw new ServerException(shown[Error.Length..]);
        }

        if (shown == "Invalid argument(s)")
        {
            throw new ServerException("the quotes of the command do not match");
        }

        if (shown.StartsWith(Empty, StringComparison.Ordinal))
        {
            return new SqlAnswer(1, 0, null);
        }

        if (MarkLength(shown) is > 0 and var width)
        {
            // Elements of elements stand further in.
            return new SqlAnswer(1, shown.Split('\n').Count(line => MarkLength(line) == width), null);
        }

        return new SqlAnswer(1, 1, shown switch
        {
            Nil => null,
            ['"', .., '"'] => Unquoted(shown[1..^1]),
            _ when shown.StartsWith(Integer, StringComparison.Ordinal) => shown[Integer.Length..],
            _ when shown.StartsWith(Double, StringComparison.Ordinal) => shown[Double.Length..],
            _ => shown,
        });
    }

    // After half a second redis-cli adds how long it took: "(0.73s)". Texts stand in quotes, so a line that begins so is none.
    static string WithoutDuration(string shown)
    {
        var end = shown.LastIndexOf('\n');
        return end >= 0 && shown[(end + 1)..] is ['(', .. var time, 's', ')'] && time.All(c => char.IsAsciiDigit(c) || c == '.') ? shown[..end] : shown;
    }

    // "1) " of an array, or " 1) " where there are ten and more; "1# " of a map, "1~ " of a set.
    static int MarkLength(string line)
    {
        var at = 0;
        while (at < line.Length && line[at] == ' ')
        {
            at++;
        }

        var digits = at;
        while (at < line.Length && char.IsAsciiDigit(line[at]))
        {
            at++;
        }

        return at > digits && at + 1 < line.Length && (line[at] is ')' or '#' or '~') && line[at + 1] == ' ' ? at + 2 : 0;
    }

    // sdscatrepr of Redis: \" \\ \n \r \t \a \b, and \xHH for each byte that is not printable.
    static string Unquoted(string text)
    {
        using var bytes = new MemoryStream();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                bytes.WriteByte((byte)text[i]);
                continue;
            }

            i++;
            if (text[i] == 'x')
            {
                bytes.WriteByte(byte.Parse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 2;
            }
            else
            {
                bytes.WriteByte((byte)(text[i] switch { 'n' => '\n', 'r' => '\r', 't' => '\t', 'a' => '\a', 'b' => '\b', var c => c }));
            }
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}
