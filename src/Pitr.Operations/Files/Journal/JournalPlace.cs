using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Files.Journal;

/// <summary>Where a backup of files holds the journal: a directory below /, which no file system has.</summary>
public static class JournalPlace
{
    /// <summary>Its path in the manifest.</summary>
    public const string Directory = "systemd-journal";

    /// <summary>Its path.</summary>
    public const string Absolute = "/" + Directory;

    // More than ever; and sums of a few are numbers still.
    const int HighestNumber = 1_000_000_000;
    const int MostBackups = 100_000_000;
    const string Time = "yyyyMMdd'T'HHmmss'Z'";

    /// <summary>The path in the manifest of a part: in order by name, with the times of its first and its last entry.</summary>
    internal static string PathOf(int number, DateTimeOffset first, DateTimeOffset last) =>
        string.Create(CultureInfo.InvariantCulture, $"{Directory}/{number:D6}_{first.UtcDateTime.ToString(Time, CultureInfo.InvariantCulture)}_{last.UtcDateTime.ToString(Time, CultureInfo.InvariantCulture)}.export");

    /// <summary>Whether a part of a catalog entry can be one: entries are in clear, and their paths become paths of the next backup.</summary>
    internal static bool IsPart(JournalPart part)
    {
        const string suffix = ".export";
        return part.Path.StartsWith(Absolute + "/", StringComparison.Ordinal) && part.Path.EndsWith(suffix, StringComparison.Ordinal)
            && part.Path.Length > Absolute.Length + suffix.Length + 1
            && part.Path.AsSpan()[(Absolute.Length + 1)..^suffix.Length].IndexOfAnyExcept("0123456789_TZ") < 0
            && part is { Number: >= 1 and <= HighestNumber, Backups: >= 1 and <= MostBackups, Entries: >= 1, Bytes: >= 1 };
    }

    /// <summary>Refuses a service that would store something else at this place.</summary>
    /// <exception cref="ImpossiblePlanException">It would.</exception>
    internal static void RequireFree(FilesServiceSettings settings)
    {
        if (settings.Paths.Contains("/") && Path.Exists(Absolute) && !settings.Exclude.Any(static glob => Glob.Parse(glob).Matches(Directory, isDirectory: true)))
        {
            throw new ImpossiblePlanException($"{Absolute} is there, and the backup holds the journal under that name", $"move it, or leave it out: exclude: [{Absolute}]; nothing was stored");
        }
    }

    /// <summary>What a file system would say of an entry that none has.</summary>
    internal static FileMetadata Metadata(DateTimeOffset modified)
    {
        var owner = LibC.EffectiveUser();
        return new FileMetadata
        {
            ModifiedSeconds = modified.ToUnixTimeSeconds(),
            ModifiedNanoseconds = (int)(modified.Ticks % TimeSpan.TicksPerSecond) * 100,
            ChangedSeconds = modified.ToUnixTimeSeconds(),
            ChangedNanoseconds = 0,
            Inode = 0,
            Owner = owner,
            Group = LibC.EffectiveGroup(),
        };
    }
}
