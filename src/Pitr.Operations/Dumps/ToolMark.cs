using System.Diagnostics;
using System.Globalization;
using System.Text;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Dumps;

/// <summary>
/// A word in the environment of the tools that pitr starts for one purpose, by which another run finds those that a killed one has left: they go on with what they had read.
/// </summary>
/// <param name="word">Unlike any other on this host.</param>
sealed class ToolMark(string word)
{
    const string Variable = "TOOL_OF_PITR";

    /// <summary>Marks a tool that is about to be started, and whatever that starts.</summary>
    public void Put(IDictionary<string, string?> environment) => environment[Variable] = word;

    /// <summary>Ends every process of this user on this host that has the mark, and waits until it is gone.</summary>
    /// <returns>Their names.</returns>
    public async Task<IReadOnlyList<string>> EndAllAsync()
    {
        var ended = new List<string>();
        foreach (var id in Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => name!.All(char.IsAsciiDigit)))
        {
            if (HasMark(id!) && await EndAsync(int.Parse(id!, NumberStyles.None, CultureInfo.InvariantCulture)) is { } name)
            {
                ended.Add(name);
            }
        }

        return ended;
    }

    bool HasMark(string id)
    {
        try
        {
            // Zeroes end each variable: environ in proc(5).
            return Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{id}/environ")).Split('\0').Contains($"{Variable}={word}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile, or is somebody else's.
            return false;
        }
    }

    static async Task<string?> EndAsync(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            var name = process.ProcessName;
            process.Kill();
            await process.WaitForExitAsync();
            return HostProcess.Find(id.ToString(CultureInfo.InvariantCulture)) is null or { IsEnded: true } ? name : throw new IOException($"process {id} ({name}) does not end");
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended meanwhile.
            return null;
        }
    }
}
