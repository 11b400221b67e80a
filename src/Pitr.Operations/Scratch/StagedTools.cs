using System.Diagnostics;
using System.Globalization;
using System.Text;
using Pitr.Postgres.Dumps;

namespace Pitr.Operations.Scratch;

/// <summary>Processes of <c>pg_dump</c> and <c>pg_restore</c> that work in one directory of files: the one that was started, and those it has started.</summary>
static class StagedTools
{
    static readonly string[] Names = [PgDump.Name, PgRestore.Name];

    /// <summary>Their numbers.</summary>
    /// <param name="directory">Path of the directory, as it stands in their arguments.</param>
    public static IReadOnlyList<int> Find(string directory)
    {
        var found = new List<int>();
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(path.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var process) && IsOne(path, directory))
            {
                found.Add(process);
            }
        }

        return found;
    }

    /// <summary>Ends them, and waits until they have ended.</summary>
    /// <inheritdoc cref="Find"/>
    public static void Kill(string directory) => SpinWait.SpinUntil(() => KillOnce(directory) == 0);

    // One that is being started in this moment is found the next time. Not waited for as a process: one whose parent has ended, and which nobody has asked for yet, would seem to live.
    static int KillOnce(string directory)
    {
        var processes = Find(directory);
        foreach (var number in processes)
        {
            try
            {
                using var process = Process.GetProcessById(number);
                process.Kill();
            }
            catch (ArgumentException)
            {
                // It has ended by itself.
            }
        }

        return processes.Count;
    }

    static bool IsOne(string process, string directory)
    {
        try
        {
            // Of a process of another user, or one that has ended, there is no link to be seen.
            return Names.Contains(Path.GetFileName(new FileInfo($"{process}/exe").LinkTarget))
                && Encoding.UTF8.GetString(File.ReadAllBytes($"{process}/cmdline")).Split('\0') is var arguments && (arguments.Contains(directory) || arguments.Contains($"--file={directory}"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
