using System.Diagnostics;
using System.Globalization;
using Pitr.Postgres;

namespace Pitr.Operations.Scratch;

/// <summary>
/// A server's program that works in scratch space, thrown away with it: in a session of its own, so that Ctrl-C reaches this process alone, with its output in a log, and the first that
/// the kernel ends when memory runs out, so that the original beside it is not. Disposing kills it.
/// </summary>
sealed class ScratchProcess : IAsyncDisposable
{
    const int ShownLines = 5;

    // How MariaDB, MySQL and Redis mark what somebody should read.
    static readonly string[] ErrorMarks = ["[ERROR]", " # "];

    const int TailBytes = 16 * 1024;

    // The shell only redirects: its exec makes the program the very process that was started.
    const string Shell = "cd \"$1\" && log=$2 && shift 2 && { echo 1000 >/proc/self/oom_score_adj; exec \"$@\" </dev/null; } >>\"$log\" 2>&1";

    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(25);

    readonly Process _process;
    readonly string _program;
    readonly string _log;

    ScratchProcess(Process process, string program, string log) => (_process, _program, _log) = (process, program, log);

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts a program.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Nothing secret.</param>
    /// <param name="directory">Existing directory that it works in; by it the next one finds what a killed one left.</param>
    /// <param name="log">Takes its output.</param>
    /// <exception cref="ServerException">It cannot be started.</exception>
    public static ScratchProcess Start(string program, IEnumerable<string> arguments, string directory, string log)
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        string[] session = File.Exists("/usr/bin/setsid") ? ["/usr/bin/setsid"] : [];
        foreach (var argument in (string[])["-c", Shell, "sh", directory, log, .. session, program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["LC_ALL"] = "C";
        try
        {
            return new ScratchProcess(Process.Start(start)!, program, log);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ServerException($"cannot start {program}: {e.Message}", innerException: e);
        }
    }

    /// <summary>Runs a program to its end.</summary>
    /// <inheritdoc cref="Start"/>
    /// <exception cref="ServerException">It failed; with the end of its output.</exception>
    public static async Task RunAsync(string program, IEnumerable<string> arguments, string directory, string log, CancellationToken cancellation)
    {
        await using var running = Start(program, arguments, directory, log);
        await running._process.WaitForExitAsync(cancellation);
        if (running._process.ExitCode != 0)
        {
            throw running.Ended();
        }
    }

    /// <summary>Waits until the server does what is asked of it.</summary>
    /// <param name="isReady">Asks it; an error of the server means not yet.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="ServerException">The server has ended instead; with the end of its log.</exception>
    public async Task WaitUntilAsync(Func<CancellationToken, Task<bool>> isReady, CancellationToken cancellation)
    {
        while (true)
        {
            if (HasExited)
            {
                throw Ended();
            }

            try
            {
                if (await isReady(cancellation))
                {
                    return;
                }
            }
            catch (ServerException)
            {
                // Not listening yet; one that never will ends, which is looked at above.
            }

            await Task.Delay(Poll, cancellation);
        }
    }

    /// <summary>What kept a check from being done: the error, and the end of the log where the server has gone.</summary>
    public string Reason(Exception e)
    {
        var text = e is ServerException or IOException ? e.Message : $"{e.GetType().Name}: {e.Message}";
        return HasExited ? $"{text}; {Ended().Message}" : text;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Nothing of it is kept, so nothing has to be written. What it has started goes with it.
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    ServerException Ended() => new(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(_program)} exited with code {_process.ExitCode}: {Tail()}"));

    string Tail()
    {
        if (!File.Exists(_log))
        {
            return "it logged nothing";
        }

        using var file = new FileStream(_log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(Math.Max(0, file.Length - TailBytes), SeekOrigin.Begin);
        using var reader = new StreamReader(file);
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var errors = lines.Where(line => Array.Exists(ErrorMarks, mark => line.Contains(mark, StringComparison.Ordinal))).ToArray();
        return string.Join(" / ", (errors.Length > 0 ? errors : lines).TakeLast(ShownLines));
    }
}
