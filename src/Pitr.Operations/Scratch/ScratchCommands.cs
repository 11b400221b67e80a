using System.Diagnostics;
using System.Text;

namespace Pitr.Operations.Scratch;

/// <summary>
/// Commands of the configuration that work in scratch space, and everything they have started: all of them carry a variable with its directory, by which they are found again, also those that have
/// left their parents, and those that a killed drill left.
/// </summary>
static class ScratchCommands
{
    /// <summary>The variable: the directory that stands for / in the restored tree.</summary>
    public const string Variable = "DRILL_ROOT";

    // What forks while it is looked for is found in the next round.
    const int Rounds = 5;

    /// <summary>Ends those that still run.</summary>
    /// <param name="data">The directory in their variable.</param>
    /// <returns>How many were ended.</returns>
    public static int End(string data)
    {
        // Between the ends of two variables, or at the beginning.
        var mark = Encoding.UTF8.GetBytes($"\0{Variable}={data}\0");
        var ended = 0;
        for (var round = 0; round < Rounds && EndAll(mark) is > 0 and var some; round++)
        {
            ended += some;
        }

        return ended;
    }

    static int EndAll(byte[] mark)
    {
        var ended = 0;
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                if (process.Id != Environment.ProcessId && Carries(process.Id, mark))
                {
                    process.Kill();
                    process.WaitForExit();
                    ended++;
                }
            }
        }

        return ended;
    }

    static bool Carries(int process, byte[] mark)
    {
        try
        {
            var environment = File.ReadAllBytes($"/proc/{process}/environ").AsSpan();
            return environment.StartsWith(mark.AsSpan(1)) || environment.IndexOf(mark) >= 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's.
            return false;
        }
    }
}
