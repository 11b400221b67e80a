using System.Diagnostics;
using System.Globalization;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>A program a test has started; disposing kills it if it still runs.</summary>
sealed class RunningProgram : IDisposable
{
    readonly Process _process;
    readonly string _commandLine;
    readonly Task<string> _output;
    readonly Task<string> _errors;

    RunningProgram(Process process, string commandLine)
    {
        _process = process;
        _commandLine = commandLine;
        // Its children may hold the pipes open after its end.
        _output = process.StandardOutput.ReadToEndAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    public static RunningProgram Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? "/",
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new RunningProgram(process, $"{program} {string.Join(' ', start.ArgumentList)}");
    }

    /// <summary>Waits for its end.</summary>
    public async Task<ProgramRun> EndAsync(TimeSpan limit)
    {
        using var patience = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException e)
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"still running after {limit}: {_commandLine}\nstdout: {await _output}\nstderr: {await _errors}", e);
        }

        return new ProgramRun(_commandLine, _process.ExitCode, await _output, await _errors);
    }

    /// <summary>SIGTERM, as a service manager sends it; one that has ended already is fine.</summary>
    public Task TerminateAsync() => ProgramRun.RunAsync("/bin/kill", ["-TERM", ProcessId.ToString(CultureInfo.InvariantCulture)]);

    /// <summary>kill -9 of this very process, not of its children, and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
