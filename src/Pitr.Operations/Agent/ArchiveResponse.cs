using System.Text;

namespace Pitr.Operations.Agent;

/// <summary>The answer to one request.</summary>
/// <param name="ExitCode">What pitr-archive exits with.</param>
/// <param name="Message">For the server's log, one or several lines; null when there is nothing to say.</param>
public sealed record ArchiveResponse(int ExitCode, string? Message = null)
{
    /// <summary>The answer as the protocol writes it: a message that does not fit is cut, for the client believes no longer answer.</summary>
    public byte[] ToBytes()
    {
        var text = new List<byte>(256);
        text.AddRange(Encoding.UTF8.GetBytes($"pitr-agent {ArchiveRequest.Version} {ExitCode}\n"));
        foreach (var line in (Message ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var bytes = Encoding.UTF8.GetBytes($"message: {string.Concat(line.Where(c => !char.IsControl(c)))}");
            var room = ArchiveRequest.LargestBytes - text.Count - 2;
            if (room <= 0)
            {
                break;
            }

            text.AddRange(bytes.AsSpan(0, WholeCharacters(bytes, room)));
            text.Add((byte)'\n');
        }

        text.Add((byte)'\n');
        return [.. text];
    }

    static int WholeCharacters(byte[] utf8, int limit)
    {
        if (utf8.Length <= limit)
        {
            return utf8.Length;
        }

        while ((utf8[limit] & 0xC0) == 0x80)
        {
            limit--;
        }

        return limit;
    }
}
