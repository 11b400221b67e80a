using System.Diagnostics;
using System.Globalization;

namespace Pitr.Postgres.Programs;

/// <summary>
/// Ends a program when this process has died. One that writes to a pipe of this process ends by itself then; one that works with files would go on for hours, with nobody to take
/// what it writes. A shell waits at the end of a pipe that only this process holds. Disposing lets the program be.
/// </summary>
public sealed class ProgramGuard : IDisposable
{
    // What it has started is held up, maybe: a signal waits until it goes on.
    const string Script = """
        read -r end && exit 0
        read -r workers <"/proc/$1/task/$1/children"
        kill -TERM "$1" $workers
        kill -CONT "$1" $workers
        """;

    readonly Process _shell;

    ProgramGuard(Process shell) => _shell = shell;

    /// <summary>Guards a program that runs.</summary>
    /// <param name="processId">Its process.</param>
    /// <exception cref="ServerException">The shell cannot be started.</exception>
    public static ProgramGuard Start(int processId)
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-c", Script, "sh", processId.ToString(CultureInfo.InvariantCulture)])
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            return new ProgramGuard(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ServerException($"cannot start /bin/sh: {e.Message}", innerException: e);
        }
    }

    /// <summary>Process of the shell.</summary>
    public int ProcessId => _shell.Id;

    /// <inheritdoc/>
    public void Dispose()
    {
        // By force: the program's number may soon be another's.
        _shell.Kill();
        _shell.WaitForExit();
        _shell.Dispose();
    }
}
