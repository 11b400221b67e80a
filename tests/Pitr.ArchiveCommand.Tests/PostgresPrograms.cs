using System.Diagnostics;
using System.Globalization;

namespace Pitr.ArchiveCommand.Tests;

/// <summary>The programs of the newest PostgreSQL that Debian has installed.</summary>
static class PostgresPrograms
{
    internal static string? Directory { get; } = Find();

    static string? Find()
    {
        var root = new DirectoryInfo("/usr/lib/postgresql");
        return !root.Exists ? null : root.GetDirectories()
            .OrderByDescending(d => int.TryParse(d.Name, CultureInfo.InvariantCulture, out var major) ? major : 0)
            .Select(d => Path.Combine(d.FullName, "bin"))
            .FirstOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")));
    }

    internal static async Task<Finished> RunAsync(ScratchDirectory scratch, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Directory!, program), arguments)
        {
            WorkingDirectory = scratch.Path,
            RedirectStandardOutput = true,
            UseShellExecute = false,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C";
        return await Executable.FinishAsync(Process.Start(start)!);
    }

    internal static async Task<string> MustAsync(ScratchDirectory scratch, string program, params string[] arguments)
    {
        var run = await RunAsync(scratch, program, arguments);
        Assert.True(run.ExitCode == 0, $"{program}: {run.ExitCode}\n{run.Output}{run.Errors}");
        return run.Output;
    }
}
