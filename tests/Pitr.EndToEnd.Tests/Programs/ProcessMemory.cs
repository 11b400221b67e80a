using System.Globalization;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>How much memory programs take.</summary>
static class ProcessMemory
{
    /// <summary>The most that a program ever had, as the kernel counts; asked until there is nobody left to ask about.</summary>
    public static async Task<long> PeakAsync(RunningProgram running)
    {
        var peak = 0L;
        while (!running.HasExited)
        {
            var line = Processes.Read(running.ProcessId, "status")?.Split('\n').FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            if (line is not null)
            {
                peak = long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
            }

            await Task.Delay(20);
        }

        return peak > 0 ? peak : throw new InvalidOperationException("the program had ended before it was looked at");
    }
}
