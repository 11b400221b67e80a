using System.Text;

namespace Pitr.ArchiveCommand;

/// <summary>An answer of the agent protocol, version 1 (docs/agent-protocol.md).</summary>
sealed class AgentAnswer
{
    /// <summary>The longest answer, with the empty line at its end.</summary>
    internal const int MaximumLength = 8192;

    AgentAnswer(int code, List<string> messages)
    {
        Code = code;
        Messages = messages;
    }

    /// <summary>0..255.</summary>
    internal int Code { get; }

    /// <summary>Texts for stderr, without line ends; may hold other control characters.</summary>
    internal IReadOnlyList<string> Messages { get; }

    /// <summary>Whether the empty line that ends an answer has arrived.</summary>
    internal static bool IsWhole(ReadOnlySpan<byte> bytes) => bytes.IndexOf("\n\n"u8) >= 0;

    /// <summary>
    /// Reads a whole answer. Strict, because a 0 lets PostgreSQL delete the segment: another version, a code that is not 0..255 in plain
    /// digits, or a line that is no header makes it no answer at all. Unknown headers are ignored.
    /// </summary>
    internal static AgentAnswer? Parse(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\n\n"u8);
        if (end < 0)
        {
            return null;
        }

        var rest = bytes[..end];
        var first = NextLine(ref rest);
        var prefix = "pitr-agent 1 "u8;
        if (!first.StartsWith(prefix) || ParseCode(first[prefix.Length..]) is not { } code)
        {
            return null;
        }

        List<string> messages = [];
        while (!rest.IsEmpty)
        {
            var line = NextLine(ref rest);
            if (line.IndexOf(": "u8) <= 0)
            {
                return null;
            }

            if (line.StartsWith("message: "u8))
            {
                messages.Add(Encoding.UTF8.GetString(line["message: "u8.Length..]));
            }
        }

        return new AgentAnswer(code, messages);
    }

    static ReadOnlySpan<byte> NextLine(ref ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOf((byte)'\n');
        var line = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return line;
    }

    static int? ParseCode(ReadOnlySpan<byte> digits)
    {
        if (digits.Length is < 1 or > 3)
        {
            return null;
        }

        var code = 0;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return null;
            }

            code = (code * 10) + (digit - '0');
        }

        return code <= 255 ? code : null;
    }
}
