using System.Diagnostics;

namespace Pitr.ArchiveCommand.Tests;

/// <summary>What a run of a program left behind.</summary>
sealed record Finished(int ExitCode, string Output, string Errors);

/// <summary>Runs the real pitr-archive.</summary>
static class Executable
{
    internal static string Path { get; } = Find();

    static string Find()
    {
        if (Environment.GetEnvironmentVariable("PITR_ARCHIVE_PROGRAM") is { Length: > 0 } named)
        {
            return File.Exists(named)
                ? named
                : throw new FileNotFoundException($"PITR_ARCHIVE_PROGRAM names \"{named}\", which does not exist");
        }

        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var candidate = System.IO.Path.Combine(directory.FullName, "out", "pitr-archive");
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new FileNotFoundException(
            $"no out/pitr-archive in or above \"{AppContext.BaseDirectory}\"; " +
            "run \"dotnet publish src/Pitr.ArchiveCommand -c Release -o out\" or set PITR_ARCHIVE_PROGRAM");
    }

    internal static Process Start(
        string directory, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? program = null)
    {
        var start = new ProcessStartInfo(program ?? Path, arguments)
        {
            WorkingDirectory = directory,
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment.Remove("PITR_SOCKET");
        start.Environment.Remove("PITR_PROGRAM");
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    internal static async Task<Finished> FinishAsync(Process process)
    {
        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return new Finished(process.ExitCode, await output, await errors);
        }
    }

    internal static Task<Finished> RunAsync(ScratchDirectory scratch, params string[] arguments) =>
        FinishAsync(Start(scratch.Path, arguments));
}
