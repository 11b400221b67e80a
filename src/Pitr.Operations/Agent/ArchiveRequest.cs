namespace Pitr.Operations.Agent;

/// <summary>One request of the agent protocol (docs/agent-protocol.md).</summary>
/// <param name="Verb">"push" or "get".</param>
/// <param name="Headers">Header lines; unknown ones are kept and ignored.</param>
public sealed record ArchiveRequest(string Verb, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The version this program speaks.</summary>
    public const int Version = 1;

    /// <summary>A whole request, ending line included, is at most this long, in bytes.</summary>
    public const int LargestBytes = 8192;

    /// <summary>A header that must be there.</summary>
    /// <exception cref="FormatException">It is missing.</exception>
    public string Require(string name) => Headers.TryGetValue(name, out var value) && value.Length > 0
        ? value
        : throw new FormatException($"the request has no `{name}:` line");

    /// <summary>Reads a request.</summary>
    /// <param name="text">All lines up to the empty one.</param>
    /// <exception cref="FormatException">Not a request.</exception>
    /// <exception cref="NotSupportedException">A request of another version, or an unknown verb.</exception>
    public static ArchiveRequest Parse(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0].Split(' ') is not ["pitr-agent", var version, var verb])
        {
            throw new FormatException("the first line is not `pitr-agent VERSION VERB`");
        }

        if (version != "1" || verb is not ("push" or "get"))
        {
            throw new NotSupportedException(
                $"this agent speaks version {Version} with push and get; asked for version {version}, {verb}\n"
                + "HINT: pitr and pitr-archive should come from the same release; restart pitr agent after an upgrade");
        }

        var headers = new Dictionary<string, string>();
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon <= 0)
            {
                throw new FormatException("a header line is not `name: value`");
            }

            headers[line[..colon]] = line[(colon + 2)..];
        }

        return new ArchiveRequest(verb, headers);
    }
}
