using System.Runtime.InteropServices;
using System.Text;

namespace Pitr.ArchiveCommand;

/// <summary>Text for people: PostgreSQL puts what this program writes to stderr into its log.</summary>
static class Message
{
    const int StandardOutput = 1;
    const int StandardError = 2;

    internal static void Error(string text, string? hint = null) => Write("ERROR:  " + text, hint);

    internal static void Warning(string text, string? hint = null) => Write("WARNING:  " + text, hint);

    /// <summary>A text of the agent, which carries its own severity.</summary>
    internal static void FromAgent(string text) => Write(text, hint: null);

    internal static void ToStandardOutput(string text) => Write(StandardOutput, text);

    /// <summary>The text of an errno value.</summary>
    internal static string Describe(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    static void Write(string text, string? hint)
    {
        var builder = new StringBuilder();
        AppendLine(builder, text);
        if (hint is not null)
        {
            AppendLine(builder, "HINT:  " + hint);
        }

        Write(StandardError, builder.ToString());
    }

    /// <summary>One line, whatever the text holds: a line of the log without the program's name would be nobody's.</summary>
    static void AppendLine(StringBuilder builder, string text)
    {
        builder.Append("pitr-archive: ");
        foreach (var c in text)
        {
            builder.Append(char.IsControl(c) ? '?' : c);
        }

        builder.Append('\n');
    }

    /// <summary>One write(2), so that lines of other processes do not fall in between. Nobody can be told if it fails.</summary>
    static unsafe void Write(int descriptor, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* start = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                var written = Libc.write(descriptor, start + done, (nuint)(bytes.Length - done));
                if (written < 0 && Marshal.GetLastPInvokeError() != Libc.EINTR)
                {
                    return;
                }

                done += Math.Max(written, 0);
            }
        }
    }
}
