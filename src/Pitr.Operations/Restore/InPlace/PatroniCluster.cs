using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore.InPlace;

/// <summary>Clusters that Patroni looks after: it starts a server that somebody else has stopped, and leads others to follow the wrong timeline.</summary>
static class PatroniCluster
{
    // Patroni writes it into every data directory it manages.
    const string Settings = "patroni.dynamic.json";

    /// <summary>Refuses a data directory that a running Patroni manages.</summary>
    /// <exception cref="ImpossiblePlanException">One does.</exception>
    public static void RequireNone(string directory)
    {
        if (File.Exists(Path.Combine(directory, Settings)) && Process() is { } process)
        {
            throw new ImpossiblePlanException(
                $"{directory} is managed by Patroni ({Settings} is there), which runs as process {process} and would start the server again",
                "bring the whole cluster back with Patroni's own bootstrap (docs/patroni.md), or stop Patroni on every member first");
        }
    }

    // A Python program: its first argument, or the second behind the interpreter, is called so.
    static string? Process() => Directory.EnumerateDirectories("/proc")
        .Select(d => Path.GetFileName(d))
        .Where(name => name.All(char.IsAsciiDigit))
        .FirstOrDefault(name => Words(name).Take(2).Any(word => Path.GetFileName(word) == "patroni"));

    static string[] Words(string process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline").Split('\0');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile, or is another user's and hidden.
            return [];
        }
    }
}
