using System.Text;

namespace Pitr.Operations.Agent;

/// <summary>The answer to one request.</summary>
/// <param name="ExitCode">What pitr-archive exits with.</param>
/// <param name="Message">For the server's log, one or several lines; null when there is nothing to say.</param>
public sealed record ArchiveResponse(int ExitCode, string? Message = null)
{
    /// <summary>The answer as the protocol writes it.</summary>
    public byte[] ToBytes()
    {
        var text = new StringBuilder().Append("pitr-agent ").Append(ArchiveRequest.Version).Append(' ').Append(ExitCode).Append('\n');
        foreach (var line in (Message ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            text.Append("message: ").Append(string.Concat(line.Where(c => !char.IsControl(c)))).Append('\n');
        }

        return Encoding.UTF8.GetBytes(text.Append('\n').ToString());
    }
}
