using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore.InPlace;

/// <summary>
/// The <c>pg_wal</c> of a cluster that lies elsewhere (<c>initdb --waldir</c>), mostly on a disk of its own. The restored cluster's goes to the same place: WAL in the data directory might fill
/// a disk that was never meant for it.
/// </summary>
/// <param name="Link">What the link says; may be relative to the data directory.</param>
/// <param name="Directory">Where that is, links resolved.</param>
public sealed record LinkedWal(string Link, string Directory)
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Where a data directory has its WAL.</summary>
    public static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, "pg_wal");

    /// <summary>Looks at a data directory; null when its WAL is in it, or there is none.</summary>
    public static LinkedWal? Find(string dataDirectory) =>
        new DirectoryInfo(PathIn(dataDirectory)).LinkTarget is { } link ? new LinkedWal(link, TablespaceMap.RealPath(Path.Combine(dataDirectory, link))) : null;

    /// <summary>Puts the directories that a restore has made in a data directory's <c>pg_wal</c> into this place, and a link instead of it.</summary>
    /// <exception cref="ImpossiblePlanException">Files lie in this place, which nobody expected: what was there was moved aside.</exception>
    /// <exception cref="IOException">It cannot be made.</exception>
    public void Put(string dataDirectory)
    {
        var inside = PathIn(dataDirectory);
        RemoveEmpty();
        System.IO.Directory.CreateDirectory(Directory, Private);
        File.SetUnixFileMode(Directory, File.GetUnixFileMode(inside));
        foreach (var made in new DirectoryInfo(inside).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
        {
            // By name: a rename would not lead to another file system. Base backups bring no WAL, but nothing is left behind either.
            var place = Path.Combine(Directory, Path.GetRelativePath(inside, made.FullName));
            if (made is DirectoryInfo)
            {
                System.IO.Directory.CreateDirectory(place, made.UnixFileMode);
            }
            else
            {
                File.Copy(made.FullName, place);
            }
        }

        LibC.SyncFileSystem(Directory);
        System.IO.Directory.Delete(inside, recursive: true);
        File.CreateSymbolicLink(inside, Link);
        LibC.SyncDirectory(dataDirectory);
    }

    /// <summary>Takes back what an interrupted restore has put, so that it finds its directory as it made it.</summary>
    /// <exception cref="ImpossiblePlanException">Files lie in this place.</exception>
    public void TakeBack(string dataDirectory)
    {
        if (Find(dataDirectory) is not null)
        {
            RemoveEmpty();
            File.Delete(PathIn(dataDirectory));
        }
    }

    void RemoveEmpty()
    {
        if (!System.IO.Directory.Exists(Directory))
        {
            return;
        }

        if (System.IO.Directory.EnumerateFiles(Directory, "*", SearchOption.AllDirectories).FirstOrDefault() is { } file)
        {
            throw new ImpossiblePlanException($"{file} lies where pg_wal goes, and was not moved aside", "look at whose it is; nothing in it was touched");
        }

        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
