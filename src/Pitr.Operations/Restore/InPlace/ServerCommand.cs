using System.Diagnostics;
using Pitr.Operations.Configuration;
using Pitr.Postgres;

namespace Pitr.Operations.Restore.InPlace;

/// <summary>
/// A configured command: one that stops or starts a server, or looks at what was restored. It has a session of its own, so that Ctrl-C reaches this program alone, and
/// says what it has to say to a file: what it starts may hold that open for ever.
/// </summary>
sealed class ServerCommand : IDisposable
{
    const int LongestOutput = 2000;
    const int MostRead = 4 * LongestOutput;

    readonly Process _process;
    readonly string _log;

    ServerCommand(string text, string log, Process process) => (Text, _log, _process) = (text, log, process);

    /// <summary>As configured.</summary>
    public string Text { get; }

    /// <summary>Whether the shell has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Its exit code, once it has.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The end of what it has said, on one line; empty when nothing.</summary>
    public string Said => File.Exists(_log) ? EndOf(_log).ReplaceLineEndings("; ") : "";

    /// <summary>Starts it.</summary>
    /// <param name="text">For sh.</param>
    /// <param name="log">File for its output, which is cleared first.</param>
    /// <exception cref="ServerException">There is no shell.</exception>
    public static ServerCommand Start(string text, string log) => Start(new CommandText([text], IsShell: true), log);

    /// <summary>Starts it.</summary>
    /// <param name="command">For sh, or the program itself with its arguments.</param>
    /// <param name="log">File for its output, which is cleared first.</param>
    /// <param name="place">What it finds around it; null: the root directory, and this process's environment.</param>
    /// <exception cref="ServerException">There is no shell.</exception>
    public static ServerCommand Start(CommandText command, string log, CommandPlace? place = null)
    {
        var text = command.ToString();
        Directory.CreateDirectory(Path.GetDirectoryName(log)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, WorkingDirectory = place?.Directory ?? "/" };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("(umask 077; : >\"$1\"; : >\"$2\") && exec </dev/null >>\"$1\" 2>>\"$2\"; shift 2; exec \"$@\"");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(place?.Output ?? log);
        start.ArgumentList.Add(log);
        if (File.Exists("/usr/bin/setsid"))
        {
            start.ArgumentList.Add("/usr/bin/setsid");
        }

        foreach (var word in command.IsShell ? ["/bin/sh", "-c", text] : command.Words)
        {
            start.ArgumentList.Add(word);
        }

        place?.Apply(start.Environment);
        try
        {
            return new ServerCommand(text, log, Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ServerException($"{text} cannot be run: {e.Message}", innerException: e);
        }
    }

    /// <summary>Waits for its end.</summary>
    public Task WaitAsync(CancellationToken cancellation) => _process.WaitForExitAsync(cancellation);

    /// <summary>What became of it, for messages: exit code and output.</summary>
    public string Outcome => $"`{Text}` {(HasExited ? $"ended with {ExitCode}" : "still runs")}{(Said is { Length: > 0 } said ? $": {said}" : "")}";

    /// <summary>Ends it and everything it has started, as far as that is still its.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    // A command may say more than anybody can read.
    static string EndOf(string log)
    {
        using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(Math.Max(0, file.Length - MostRead), SeekOrigin.Begin);
        using var reader = new StreamReader(file);
        var text = reader.ReadToEnd().Trim();
        return text.Length <= LongestOutput ? text : text[^LongestOutput..];
    }

    /// <summary>Ends the shell if it still runs; what it has started is left to itself.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
