using System.Text;

namespace Pitr.ArchiveCommand;

/// <summary>Writes a request of the agent protocol, version 1 (docs/agent-protocol.md).</summary>
static class AgentRequest
{
    /// <summary>The longest request, with the empty line at its end.</summary>
    internal const int MaximumLength = 8192;

    /// <param name="line">A valid command line; its values hold no control characters, so that none can add a line.</param>
    /// <param name="absolutePath">The path, made absolute.</param>
    /// <returns>The bytes to send, or null if they are more than the protocol allows.</returns>
    internal static byte[]? Write(CommandLine line, string absolutePath)
    {
        // Concatenated: interpolation brings in the array pool, which reads /dev/urandom.
        var text = line.Verb == ArchiveVerb.Push
            ? "pitr-agent 1 push\nservice: " + line.Service + "\npath: " + absolutePath + "\n\n"
            : "pitr-agent 1 get\nservice: " + line.Service + "\nfile: " + line.File + "\npath: " + absolutePath +
                (line.Repositories is null ? "" : "\nrepositories: " + line.Repositories) + (line.Standby ? "\nstandby: true\n\n" : "\n\n");
        var bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length <= MaximumLength ? bytes : null;
    }
}
