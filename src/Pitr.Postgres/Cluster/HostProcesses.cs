using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Pitr.Postgres.Cluster;

/// <summary>Processes of this host that have something in common, found in proc(5): those that a program left behind, and whatever they have started.</summary>
public static class HostProcesses
{
    // SIGKILL is not waited for by a process, but by the kernel, for example for a disk.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Finds them, but for this process.</summary>
    /// <param name="isMeant">Says of the number of a process whether it is one.</param>
    public static IReadOnlyList<int> Find(Func<int, bool> isMeant)
    {
        ArgumentNullException.ThrowIfNull(isMeant);
        var found = new List<int>();
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(path.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var process) && process != Environment.ProcessId && isMeant(process))
            {
                found.Add(process);
            }
        }

        return found;
    }

    /// <summary>Ends them by force, and waits until none is left; also of what they start meanwhile.</summary>
    /// <param name="isMeant">Says of the number of a process whether it is one.</param>
    /// <returns>Their names.</returns>
    /// <exception cref="IOException">One does not end.</exception>
    public static IReadOnlyList<string> EndAll(Func<int, bool> isMeant)
    {
        var ended = new Dictionary<int, string>();
        var started = Stopwatch.GetTimestamp();
        var spin = default(SpinWait);
        // Looked for again instead of waited for: one that has ended, and whose parent does not ask for it, would seem to live.
        while (Find(isMeant) is { Count: > 0 } processes)
        {
            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new IOException($"process {processes[0]} does not end");
            }

            foreach (var process in processes)
            {
                if (End(process) is { } name)
                {
                    ended[process] = name;
                }
            }

            spin.SpinOnce();
        }

        return [.. ended.Values];
    }

    /// <summary>Those with a variable in the environment that they were started with; those of other users do not show it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    public static Func<int, bool> WithVariable(string name, string value)
    {
        // Zeroes end each variable: proc_pid_environ(5).
        var variable = Encoding.UTF8.GetBytes($"\0{name}={value}\0");
        return process => ReadAll(process, "environ") is { } environment && (environment.AsSpan().StartsWith(variable.AsSpan(1)) || environment.AsSpan().IndexOf(variable) >= 0);
    }

    /// <summary>Those that run one of some programs with one of some arguments; those of other users do not show their program.</summary>
    /// <param name="programs">File names of the programs.</param>
    /// <param name="arguments">The arguments.</param>
    public static Func<int, bool> OfProgram(IReadOnlyList<string> programs, IReadOnlyList<string> arguments) => process =>
        ProgramOf(process) is { } program && programs.Contains(program)
        && CommandLineOf(process)?.Split('\0').Any(arguments.Contains) == true;

    /// <summary>Those with a working directory; those of other users do not show it.</summary>
    /// <param name="directory">Path of the directory, without links.</param>
    public static Func<int, bool> WorkingIn(string directory) => process => LinkOf(process, "cwd") == directory;

    /// <summary>File name of the program that a process runs; null when it has ended, or is another user's.</summary>
    /// <param name="process">Its number.</param>
    public static string? ProgramOf(int process) => Path.GetFileName(LinkOf(process, "exe"));

    /// <summary>What a process was started with, each word ended by a zero; null when it has ended.</summary>
    /// <param name="process">Its number.</param>
    public static string? CommandLineOf(int process) => ReadAll(process, "cmdline") is { } line ? Encoding.UTF8.GetString(line) : null;

    static string? LinkOf(int process, string file)
    {
        try
        {
            return new FileInfo(FileOf(process, file)).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Null when it has ended, or is another user's.
    static byte[]? ReadAll(int process, string file)
    {
        try
        {
            return File.ReadAllBytes(FileOf(process, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    static string FileOf(int process, string file) => string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/{file}");

    static string? End(int number)
    {
        try
        {
            using var process = Process.GetProcessById(number);
            var name = process.ProcessName;
            process.Kill();
            return name;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
            return null;
        }
    }
}
