using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore;

/// <summary>
/// The directories a restore fills: the data directory and those of the tablespaces. While they are being filled a marker file in each says so,
/// and directories whose marker was left behind by a restore that was killed may be filled anew. Nothing outside of them is touched.
/// </summary>
public sealed class RestoreDirectory
{
    const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    RestoreDirectory(string path, IReadOnlyList<TablespacePlace> tablespaces) => (Root, Tablespaces) = (path, tablespaces);

    /// <summary>Absolute path of the data directory.</summary>
    public string Root { get; }

    /// <summary>Where the tablespaces go.</summary>
    public IReadOnlyList<TablespacePlace> Tablespaces { get; }

    /// <summary>The directory of a place: 0 for the data directory, n for the n-th tablespace.</summary>
    internal string PathOf(int place) => place == 0 ? Root : Tablespaces[place - 1].Directory;

    /// <summary>Says whether a data directory may be filled, without touching it.</summary>
    /// <exception cref="ImpossiblePlanException">It holds something that is not an unfinished restore.</exception>
    public static void RequireFillable(string path)
    {
        if (File.Exists(path))
        {
            throw new ImpossiblePlanException($"{path} is a file", "name a directory that does not exist yet, or an empty one");
        }

        if (!RestoreMark.IsIn(path) && HoldsEntries(path))
        {
            throw new ImpossiblePlanException(
                $"directory {path} is not empty",
                File.Exists(Path.Combine(path, "PG_VERSION"))
                    ? "name a directory that does not exist yet, or an empty one; if this is the same cluster, --delta writes only what differs and --overwrite clears it first. Nothing in it was touched"
                    : "name a directory that does not exist yet, or an empty one; nothing in it was touched");
        }
    }

    /// <summary>Says whether the directories of tablespaces may be filled, without touching them.</summary>
    /// <param name="places">Where they go.</param>
    /// <param name="dataDirectory">Of the restore.</param>
    /// <param name="linked">Directories that belong to the cluster whose data directory is being reused, links resolved.</param>
    /// <exception cref="ImpossiblePlanException">One holds something that is neither an unfinished part of this restore nor of that cluster.</exception>
    internal static void RequireFillable(IReadOnlyList<TablespacePlace> places, string dataDirectory, IReadOnlySet<string> linked)
    {
        foreach (var place in places)
        {
            var hint = $"restore it to another place: --tablespace-map {place.Tablespace.Oid}=DIRECTORY; nothing was touched";
            if (File.Exists(place.Directory))
            {
                throw new ImpossiblePlanException($"the directory of tablespace {place.Tablespace.Oid}, {place.Target}, is a file", hint);
            }

            if (!linked.Contains(place.Directory) && RestoreMark.TryRead(place.Directory)?.IsOf(dataDirectory) != true && HoldsEntries(place.Directory))
            {
                throw new ImpossiblePlanException($"the directory of tablespace {place.Tablespace.Oid}, {place.Target}, is not empty", hint);
            }
        }
    }

    /// <summary>Says whether the directories of tablespaces have room for what the backup brings: a cluster's files there would be lost.</summary>
    /// <exception cref="ImpossiblePlanException">A cluster of this version is there, and no unfinished restore.</exception>
    internal static void RequireMovedAside(IReadOnlyList<TablespacePlace> places, RestoreContent content)
    {
        for (var place = 1; place <= places.Count; place++)
        {
            var directory = places[place - 1].Directory;
            foreach (var version in content.VersionDirectories(place).Where(v => Directory.Exists(Path.Combine(directory, v)) && !RestoreMark.IsIn(directory)))
            {
                throw new ImpossiblePlanException($"{Path.Combine(directory, version)} was not moved aside", "nothing in it was touched; look at whose it is");
            }
        }
    }

    static bool HoldsEntries(string path)
    {
        try
        {
            return Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ImpossiblePlanException(
                $"directory {path} cannot be read: {e.Message}",
                "run as the user that will own the cluster, normally postgres",
                e);
        }
    }

    /// <summary>Makes a data directory ready that has no tablespaces: exists, mode 0700, empty but for the marker.</summary>
    public static RestoreDirectory Prepare(string path)
    {
        RequireFillable(path);
        var directory = Prepare(path, [], new RestoreMark(null, null, null, null, new HashSet<int>()));
        directory.ClearData();
        return directory;
    }

    /// <summary>Makes the directories, private, with markers in them; what else is in them is left alone.</summary>
    internal static RestoreDirectory Prepare(string path, IReadOnlyList<TablespacePlace> tablespaces, RestoreMark mark)
    {
        var making = path;
        try
        {
            foreach (var next in tablespaces.Select(t => t.Directory).Prepend(path))
            {
                making = next;
                Directory.CreateDirectory(next, DirectoryMode);
                File.SetUnixFileMode(next, DirectoryMode);
                mark.WriteTo(next);
            }

            return new RestoreDirectory(path, tablespaces);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImpossiblePlanException(
                $"directory {making} cannot be prepared: {e.Message}",
                "run as the user that will own the cluster, and check the parent directory",
                e);
        }
    }

    /// <summary>Removes everything but the markers. In a tablespace's directory only what this backup brings: other clusters' versions may share it.</summary>
    internal void Clear(RestoreContent content)
    {
        ClearData();
        for (var place = 1; place <= Tablespaces.Count; place++)
        {
            foreach (var version in content.VersionDirectories(place))
            {
                Remove(Path.Combine(PathOf(place), version));
            }
        }
    }

    void ClearData()
    {
        var marker = Path.Combine(Root, RestoreMark.FileName);
        foreach (var left in Directory.EnumerateFileSystemEntries(Root).Where(e => e != marker))
        {
            Remove(left);
        }
    }

    /// <summary>Removes a file, a link, or a directory with everything in it; a link's target is left alone.</summary>
    internal static void Remove(string path)
    {
        if (Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null)
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }
    }

    /// <summary>Makes everything in the directories durable, whatever file systems they are on.</summary>
    internal void Sync()
    {
        foreach (var directory in Tablespaces.Select(t => t.Directory).Prepend(Root))
        {
            LibC.SyncFileSystem(directory);
        }
    }

    /// <summary>Takes the markers away, the data directory's last: it now is one.</summary>
    public void Complete()
    {
        foreach (var directory in Tablespaces.Select(t => t.Directory).Append(Root))
        {
            File.Delete(Path.Combine(directory, RestoreMark.FileName));
            LibC.SyncFileSystem(directory);
        }
    }
}
