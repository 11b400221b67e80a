using System.Text.Json;
using System.Text.Json.Serialization;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Drill;

/// <summary>
/// What a drill found: a recovery that was really done, timed, and held against the service's objectives. Stored in the repository
/// and printed by `pitr drill --output json`.
/// </summary>
public sealed record DrillReport
{
    // A hundred years: far above anything that is measured, and small enough for every calculation.
    const double LongestSeconds = 100 * 366 * 86400.0;

    /// <summary>Version of this document, 1.</summary>
    public int Format { get; init; } = 1;

    /// <summary>UTC start and four random digits: <c>20261121T030000.042Z-3f2a</c>. Sorts by time.</summary>
    public required string Id { get; init; }

    /// <summary>The service.</summary>
    public required string Service { get; init; }

    /// <summary>Kind of the service.</summary>
    // Reports that were written before there were others have none.
    public string Kind { get; init => field = value ?? PostgresServiceSettings.KindName; } = PostgresServiceSettings.KindName;

    /// <summary>The host that did it.</summary>
    public required string Host { get; init; }

    /// <summary>When somebody asked.</summary>
    public required DateTimeOffset Requested { get; init; }

    /// <summary>The target, as asked for; the moment that was chosen for <c>random</c>.</summary>
    public required string Target { get; init; }

    /// <summary>What a random target was chosen with; null for every other. Chooses the same moment again as long as the recovery window is the same.</summary>
    public int? RandomSeed { get; init; }

    /// <summary>The backup recovery started from; null when no plan could be made.</summary>
    public string? Backup { get; init; }

    /// <summary>Pages of that backup whose checksum was wrong on the server; WAL may have written them anew since.</summary>
    public int DamagedPages { get; init; }

    /// <summary>Where those are, the first thousand of them.</summary>
    public IReadOnlyList<DamagedPage> Damage { get; init => field = value ?? []; } = [];

    /// <summary>"passed" or "failed".</summary>
    public required string Verdict { get; init; }

    /// <summary>Why it failed; empty when it passed.</summary>
    public required IReadOnlyList<string> Failures { get; init; }

    /// <summary>Request to accepting connections, of files to all of them restored, in seconds; null when it never got there.</summary>
    public double? RtoSeconds { get; init; }

    /// <summary>The objective.</summary>
    public required double RtoObjectiveSeconds { get; init; }

    /// <summary>The age that commits lost at the request can have at most, in seconds (for a time target: at the target); null for targets that are no moments.</summary>
    public double? RpoSeconds { get; init; }

    /// <summary>The objective.</summary>
    public required double RpoObjectiveSeconds { get; init; }

    /// <summary>How the RPO was found, in words.</summary>
    public string? RpoBasis { get; init; }

    /// <summary>Last commit in the recovered cluster.</summary>
    public DateTimeOffset? LastRecoveredCommit { get; init; }

    /// <summary>Bytes of the restored data directory.</summary>
    public long RestoredBytes { get; init; }

    /// <summary>Bytes fetched from the repository for the files.</summary>
    public long FetchedBytes { get; init; }

    /// <summary>WAL segments the plan needed.</summary>
    public long WalSegments { get; init; }

    /// <summary>What is no failure, but should be looked at: tables that are gone or empty.</summary>
    public IReadOnlyList<string> Warnings { get; init => field = value ?? []; } = [];

    /// <summary>The rows of its tables; null when they were not counted.</summary>
    public RowCounts? RowCounts { get; init; }

    /// <summary>The restored tree, of a service of kind files; null when it was not looked at.</summary>
    public DrillTree? Tree { get; init; }

    /// <summary>Timed parts, in order.</summary>
    public required IReadOnlyList<DrillPhase> Phases { get; init; }

    /// <summary>What was looked at.</summary>
    public required IReadOnlyList<DrillCheck> Checks { get; init; }

    /// <summary>True when everything held.</summary>
    [JsonIgnore]
    public bool Passed => Verdict == "passed";

    /// <summary>What the time of a recovery ends with, in words.</summary>
    [JsonIgnore]
    public string RtoMeaning => Kind == FilesServiceSettings.KindName ? "request to all files restored" : "request to accepting connections";

    /// <summary>The document.</summary>
    public byte[] ToJson() => DocumentDigest.Append(JsonSerializer.SerializeToUtf8Bytes(this, DrillJson.Default.DrillReport));

    /// <summary>Reads a document.</summary>
    /// <exception cref="JsonException">Not a drill report, or one of a later version.</exception>
    public static DrillReport Parse(ReadOnlySpan<byte> json)
    {
        var report = JsonSerializer.Deserialize(json, DrillJson.Default.DrillReport) ?? throw new JsonException("empty drill report");
        if (report.Format != 1)
        {
            throw new JsonException($"a drill report of format {report.Format}, made by a newer pitr; this one reads 1");
        }

        // What lies in a repository may be anybody's: nothing in it may be more than the code that shows it can bear.
        return HasEmptyMembers(report) || HasImpossibleTimes(report)
            ? throw new JsonException("a drill report with empty or impossible members")
            : report;
    }

    // Members are held against their types by the reader, elements of lists are not.
    static bool HasEmptyMembers(DrillReport report) =>
        report.Failures.Contains(null!) || report.Warnings.Contains(null!) || report.Phases.Contains(null!) || report.Checks.Contains(null!)
        || report.Damage.Contains(null!) || report.Tree?.Paths.Contains(null!) == true || report.RowCounts?.Largest.Contains(null!) == true;

    static bool HasImpossibleTimes(DrillReport report)
    {
        double[] times = [report.RtoSeconds ?? 0, report.RtoObjectiveSeconds, report.RpoSeconds ?? 0, report.RpoObjectiveSeconds, .. report.Phases.Select(phase => phase.Seconds)];
        return times.Any(seconds => seconds is not (>= 0 and <= LongestSeconds));
    }
}
