using System.Diagnostics;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>Processes of this user, found by their whole command line; tests look for paths that only they use.</summary>
static class Processes
{
    public static IReadOnlyList<int> Find(params string[] words) =>
        All().Where(id => id != Environment.ProcessId && CommandLine(id) is { } line && words.All(word => line.Contains(word, StringComparison.Ordinal)))
            .ToArray();

    /// <summary>Ids of all processes there are.</summary>
    public static IEnumerable<int> All() =>
        Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!));

    /// <summary>Base backups of the server with this socket directory, which is in their environment.</summary>
    public static IReadOnlyList<int> FindBaseBackups(string socketDirectory) => FindWith(socketDirectory, "pg_basebackup");

    /// <summary>Those that also have a word in their environment.</summary>
    public static IReadOnlyList<int> FindWith(string environmentWord, params string[] words) => Find(words)
        .Where(id => Read(id, "environ") is { } environment && environment.Contains(environmentWord, StringComparison.Ordinal))
        .ToArray();

    /// <summary>kill -9; one that is gone already is fine.</summary>
    public static void Kill(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            process.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    static string? CommandLine(int id) => Read(id, "cmdline");

    /// <summary>A file of <c>/proc/ID</c>, zeros as blanks; null when the process is gone or another user's.</summary>
    public static string? Read(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}").Replace('\0', ' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone meanwhile, or another user's.
            return null;
        }
    }
}
