using System.Globalization;
using System.Runtime.CompilerServices;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>
/// What the tests are told by environment variables. They are taken out of this process's environment at once: the servers and programs
/// that tests start inherit it, and pitr refuses variables named PITR_… that mean nothing to it.
/// </summary>
static class TestEnvironment
{
    static readonly Dictionary<string, string> Taken = new(StringComparer.Ordinal);

    /// <summary>The published program: $PITR_PROGRAM, else out/pitr above the tests.</summary>
    public static string Pitr => Program("PITR_PROGRAM", "pitr");

    /// <summary>The published program: $PITR_ARCHIVE_PROGRAM, else out/pitr-archive above the tests.</summary>
    public static string PitrArchive => Program("PITR_ARCHIVE_PROGRAM", "pitr-archive");

    /// <summary>A directory on a file system of about 24 MiB that tests may fill; null when there is none.</summary>
    public static string? SmallDisk => Taken.GetValueOrDefault("PITR_TEST_SMALL_DISK");

    /// <summary>Directories with the programs of other versions of PostgreSQL.</summary>
    public static IReadOnlyList<string> PostgresRoots =>
        (Taken.GetValueOrDefault("PITR_TEST_POSTGRES_ROOTS") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The variables whose names begin so.</summary>
    public static IReadOnlyDictionary<string, string> Given(string prefix) =>
        Taken.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(StringComparer.Ordinal);

    /// <summary>How many random recoveries are held against the oracle.</summary>
    public static int SoakRounds => Number("PITR_TEST_SOAK_ROUNDS") ?? 10;

    /// <summary>File that the soak's summary is appended to; null: none.</summary>
    public static string? SoakSummary => Taken.GetValueOrDefault("PITR_TEST_SOAK_SUMMARY");

    /// <summary>How many backups of changed pages are held against the page oracle.</summary>
    public static int PageRounds => Number("PITR_TEST_PAGE_ROUNDS") ?? 4;

    /// <summary>In how many rounds backups are killed at random moments and gone on from.</summary>
    public static int BackupKills => Number("PITR_TEST_BACKUP_KILLS") ?? 5;

    /// <summary>How often the primary of a synchronous stream is destroyed.</summary>
    public static int StreamRounds => Number("PITR_TEST_STREAM_ROUNDS") ?? 3;

    /// <summary>How often a process is killed at a random moment while WAL is archived.</summary>
    public static int Kills => Number("PITR_TEST_KILLS") ?? 8;

    /// <summary>How often a restore is killed at a random moment.</summary>
    public static int RestoreKills => Number("PITR_TEST_RESTORE_KILLS") ?? 10;

    /// <summary>How often a restore in place is killed at a random moment.</summary>
    public static int InPlaceKills => Number("PITR_TEST_IN_PLACE_KILLS") ?? 4;

    /// <summary>How many small relations a cluster has while a backup's memory is watched.</summary>
    public static int Files => Number("PITR_TEST_FILES") ?? 50_000;

    /// <summary>How many files a tree has while the memory of its backup and restore is watched.</summary>
    public static int TreeFiles => Number("PITR_TEST_TREE_FILES") ?? 5_000;

    /// <summary>How many segments an archive has while `pitr info` is timed.</summary>
    public static int ArchiveSegments => Number("PITR_TEST_ARCHIVE_SEGMENTS") ?? 5_000;

    /// <summary>How many backups there are meanwhile.</summary>
    public static int Backups => Number("PITR_TEST_BACKUPS") ?? 40;

    /// <summary>How many segments are drained while the agent's memory is watched.</summary>
    public static int DrainedSegments => Number("PITR_TEST_DRAIN_SEGMENTS") ?? 60;

    /// <summary>Size of each of them.</summary>
    public static int DrainedMebibytes => Number("PITR_TEST_DRAIN_MEBIBYTES") ?? 16;

    /// <summary>For how long a repository is away while a cluster archives.</summary>
    public static TimeSpan Outage => TimeSpan.FromSeconds(Number("PITR_TEST_OUTAGE_SECONDS") ?? 4);

    /// <summary>Makes random choices repeatable; printed by the tests that choose.</summary>
    public static int Seed { get; private set; }

    [ModuleInitializer]
    internal static void Take()
    {
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable.Key is string name && name.StartsWith("PITR_", StringComparison.Ordinal))
            {
                Taken[name] = (string?)variable.Value ?? "";
                Environment.SetEnvironmentVariable(name, null);
            }
        }

        Seed = Number("PITR_TEST_SEED") ?? Random.Shared.Next();
    }

    static int? Number(string variable) => Taken.TryGetValue(variable, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    static string Program(string variable, string name)
    {
        if (Taken.TryGetValue(variable, out var path))
        {
            return File.Exists(path) ? path : throw new InvalidOperationException($"{variable} names {path}, which does not exist");
        }

        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var candidate = Path.Combine(directory.FullName, "out", name);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new InvalidOperationException($"no {name}: {variable} is not set, and there is no out/{name} above {AppContext.BaseDirectory}; make it with scripts/build");
    }
}
