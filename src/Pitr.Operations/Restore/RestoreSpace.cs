using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore;

/// <summary>Whether the file systems have room for a restore.</summary>
static class RestoreSpace
{
    // What a data directory needs beyond the backup: replayed WAL is fetched one segment at a time, and PostgreSQL keeps some.
    const long SpaceForWal = 256L << 20;

    /// <summary>Refuses when a file system has too little, all that goes there taken together.</summary>
    /// <param name="needs">Directories, which need not exist yet, and the bytes that go there; the data directory first.</param>
    /// <param name="reused">Directories whose content will be replaced: what it takes counts as free.</param>
    /// <exception cref="ImpossiblePlanException">Too little space.</exception>
    public static void Require(IReadOnlyList<(string Directory, long Bytes)> needs, IReadOnlyCollection<string> reused)
    {
        var systems = needs
            .Select((n, i) => (Existing: ExistingAncestor(n.Directory), Bytes: n.Bytes + (i == 0 ? SpaceForWal : 0), Freed: reused.Contains(n.Directory) ? BytesIn(n.Directory) : 0))
            .GroupBy(n => FileStatus.Of(n.Existing).Device);
        foreach (var system in systems)
        {
            var place = system.First().Existing;
            var available = new DriveInfo(place).AvailableFreeSpace + system.Sum(n => n.Freed);
            var needed = system.Sum(n => n.Bytes);
            if (available < needed)
            {
                throw new ImpossiblePlanException(
                    $"{place} has {available} bytes free; the restore needs {needed} there, {(place == ExistingAncestor(needs[0].Directory) ? $"{SpaceForWal} of them for WAL" : "for tablespaces")}",
                    "free some space, name a directory on another file system with --to, or move tablespaces with --tablespace-map");
            }
        }
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

    static long BytesIn(string directory) => !Directory.Exists(directory) ? 0 : Directory
        .EnumerateFiles(directory, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true })
        .Sum(f => FileStatus.Of(f).AllocatedBytes);
}
