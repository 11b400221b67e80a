using System.Diagnostics;

namespace Pitr.Storage.Tests.Child;

/// <summary>A running <see cref="ChildProgram"/>.</summary>
public sealed class ChildProcess : IDisposable
{
    readonly Process _process;

    ChildProcess(ProcessStartInfo start) => _process = Process.Start(start)!;

    /// <summary>Starts the program.</summary>
    public static ChildProcess Start(params string[] arguments) => StartWithin([], arguments);

    /// <summary>Starts the program as the last arguments of another one, which is to exec it.</summary>
    public static ChildProcess StartWithin(string[] wrapper, params string[] arguments)
    {
        string[] all = [.. wrapper, DotnetPath(), "exec", typeof(ChildProgram).Assembly.Location, .. arguments];
        var start = new ProcessStartInfo(all[0], all[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // Both want files that a limit on file sizes forbids.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        return new ChildProcess(start);
    }

    /// <summary>The next line of output; fails with what the program had to say when there is none.</summary>
    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync()
        ?? throw new InvalidOperationException($"the child ended: {await _process.StandardError.ReadToEndAsync()}");

    /// <summary>SIGKILL, as a crash or the OOM killer would; returns the lines nobody had read yet.</summary>
    public async Task<string[]> KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        return Lines(await _process.StandardOutput.ReadToEndAsync());
    }

    /// <summary>All lines of a program that ends by itself, successfully.</summary>
    public async Task<string[]> ReadToEndAsync()
    {
        var errors = _process.StandardError.ReadToEndAsync();
        var output = await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        return _process.ExitCode == 0
            ? Lines(output)
            : throw new InvalidOperationException($"the child failed with {_process.ExitCode}: {await errors}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    static string DotnetPath() =>
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
        ?? (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet");
}
