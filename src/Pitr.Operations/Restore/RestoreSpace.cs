using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore;

/// <summary>Whether the file systems have room for a restore.</summary>
static class RestoreSpace
{
    /// <summary>What a data directory needs beyond the backup: replayed WAL is fetched one segment at a time, and PostgreSQL keeps some.</summary>
    public const long SpaceForWal = 256L << 20;

    /// <summary>Refuses when a file system has too little, all that goes there taken together.</summary>
    /// <param name="needs">Directories, which need not exist yet, the bytes that go there, and those that are made free there; the data directory first.</param>
    /// <returns>Each file system, the data directory's first.</returns>
    /// <exception cref="ImpossiblePlanException">Too little space.</exception>
    public static IReadOnlyList<SpaceNeed> Require(IReadOnlyList<(string Directory, long Bytes, long Freed)> needs)
    {
        var systems = needs
            .Select((n, i) => (Existing: ExistingAncestor(n.Directory), Bytes: n.Bytes + (i == 0 ? SpaceForWal : 0), n.Freed))
            .GroupBy(n => FileStatus.Of(n.Existing).Device)
            .Select(s => new SpaceNeed(s.First().Existing, s.Sum(n => n.Bytes), new DriveInfo(s.First().Existing).AvailableFreeSpace + s.Sum(n => n.Freed)))
            .ToArray();
        foreach (var system in systems.Where(s => s.AvailableBytes < s.NeededBytes))
        {
            throw new ImpossiblePlanException(
                $"{system.Place} has {system.AvailableBytes} bytes free; the restore needs {system.NeededBytes} there, {(system == systems[0] ? $"{SpaceForWal} of them for WAL" : "for tablespaces")}",
                "free some space, name a directory on another file system with --to, or move tablespaces with --tablespace-map");
        }

        return systems;
    }

    static string ExistingAncestor(string directory)
    {
        var existing = TablespaceMap.RealPath(directory);
        while (!Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing)!;
        }

        return existing;
    }

    /// <summary>Bytes that the files of a directory take; 0 when there is none.</summary>
    public static long BytesIn(string directory) => !Directory.Exists(directory) ? 0 : Directory
        .EnumerateFiles(directory, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true })
        .Sum(f => FileStatus.Of(f).AllocatedBytes);
}
