using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Restore;

/// <summary>
/// The file that tells an unfinished restore from a cluster, in the data directory and in every tablespace's. It says which restore it is, and
/// in the data directory which packs are written, so that the same restore can go on after it was killed.
/// </summary>
/// <param name="SystemIdentifier">The cluster's, decimal; null when an older version of pitr wrote it.</param>
/// <param name="DataDirectory">The directory that becomes the data directory.</param>
/// <param name="Manifest">SHA-256 of the manifest that is restored.</param>
/// <param name="Boot">
/// The running kernel's boot id. What a killed process wrote is in the kernel's hands and arrives on disk; what was written before the machine
/// went down may not have.
/// </param>
/// <param name="Packs">Packs whose every run is written, by index.</param>
sealed record RestoreMark(string? SystemIdentifier, string? DataDirectory, string? Manifest, string? Boot, IReadOnlySet<int> Packs)
{
    /// <summary>Name of the file.</summary>
    public const string FileName = ".pitr-restore-incomplete";

    const string FirstLine = "pitr restore fills this directory; while this file is here it is not a usable cluster";

    /// <summary>The mark of a restore that begins or goes on now.</summary>
    public static RestoreMark Of(BackupDocument backup, string dataDirectory, IReadOnlySet<int> packs) =>
        new(backup.SystemIdentifier, OneLine(dataDirectory), backup.Manifest.Sha256, HostProcess.Boot(), packs);

    /// <summary>Whether there is a mark in a directory.</summary>
    public static bool IsIn(string directory) => File.Exists(Path.Combine(directory, FileName));

    /// <summary>Reads the mark of a directory; null when it has none.</summary>
    public static RestoreMark? TryRead(string directory)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(Path.Combine(directory, FileName));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        var packs = lines
            .Where(l => l.StartsWith("pack ", StringComparison.Ordinal))
            .Select(l => int.TryParse(l.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var pack) ? pack : -1)
            .Where(p => p >= 0)
            .ToHashSet();
        return new RestoreMark(Member("system-identifier "), Member("data-directory "), Member("manifest "), Member("boot "), packs);

        string? Member(string name) => lines.FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?[name.Length..];
    }

    /// <summary>Whether the restore of a backup that begins now would go on where this one ended.</summary>
    public bool IsOf(BackupDocument backup) => Manifest == backup.Manifest.Sha256 && Boot is not null && Boot == HostProcess.Boot();

    /// <summary>Whether it is of a restore into this data directory.</summary>
    public bool IsOf(string dataDirectory) => DataDirectory == OneLine(dataDirectory);

    /// <summary>Writes it, in place of an older one, so that there is a whole one at any time.</summary>
    public void WriteTo(string directory)
    {
        var path = Path.Combine(directory, FileName);
        var lines = new List<string> { FirstLine, $"system-identifier {SystemIdentifier}", $"data-directory {DataDirectory}", $"manifest {Manifest}", $"boot {Boot}" };
        lines.AddRange(Packs.Order().Select(PackLine));
        File.WriteAllLines(path + ".new", lines);
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Adds a pack to the mark in a directory; only for one thread at a time.</summary>
    public static void AddPack(string directory, int pack) => File.AppendAllText(Path.Combine(directory, FileName), PackLine(pack) + "\n");

    static string PackLine(int pack) => string.Create(CultureInfo.InvariantCulture, $"pack {pack}");

    static string OneLine(string path) => path.ReplaceLineEndings(" ");
}
