using Pitr.Format.Wal;

namespace Pitr.Operations.Tests.Agent;

/// <summary>Segments in a scenario's pg_wal that wait for the archiver, by their number on timeline 1.</summary>
static class ReadySample
{
    /// <summary>Writes them with their status files; gives their paths.</summary>
    public static string[] Ready(Scenario scenario, ulong first, ulong last)
    {
        Directory.CreateDirectory(Path.Combine(scenario["pg_wal"], "archive_status"));
        var paths = new List<string>();
        for (var number = first; number <= last; number++)
        {
            paths.Add(scenario.Write(Name(number), WalSample.Segment(Name(number), (int)number)));
            File.WriteAllText(StatusOf(scenario, Name(number)), "");
        }

        return [.. paths];
    }

    /// <summary>The status file of a file.</summary>
    public static string StatusOf(Scenario scenario, string file) => Path.Combine(scenario["pg_wal"], "archive_status", Path.GetFileName(file) + ".ready");

    /// <summary>Names of the segments that are stored.</summary>
    public static async Task<List<string>> SegmentsAsync(Scenario scenario) =>
        [.. (await scenario.KeysAsync(prefix: "services/main/wal/")).Select(Path.GetFileName).OfType<string>().Where(n => WalSegmentName.TryParse(n, out _))];

    public static string Name(ulong number) => WalSegmentName.FromNumber(new Timeline(1), number, WalSample.Small).ToString();
}
