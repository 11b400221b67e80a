using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore;

/// <summary>
/// The directory a restore fills. It must be new or empty; while it is being filled a marker file says so, and a directory whose
/// marker was left behind by a restore that was killed may be filled anew.
/// </summary>
public sealed class RestoreDirectory
{
    const string MarkerName = ".pitr-restore-incomplete";
    const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    RestoreDirectory(string path) => Root = path;

    /// <summary>Absolute path.</summary>
    public string Root { get; }

    /// <summary>Says whether a directory may be filled, without touching it.</summary>
    /// <exception cref="ImpossiblePlanException">It holds something that is not an unfinished restore.</exception>
    public static void RequireFillable(string path)
    {
        if (File.Exists(path))
        {
            throw new ImpossiblePlanException($"{path} is a file", "name a directory that does not exist yet, or an empty one");
        }

        if (Directory.Exists(path) && !File.Exists(Path.Combine(path, MarkerName)) && ReadsEntries(path))
        {
            throw new ImpossiblePlanException(
                $"directory {path} is not empty",
                "name a directory that does not exist yet, or an empty one; nothing in it was touched");
        }
    }

    static bool ReadsEntries(string path)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(path).Any();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ImpossiblePlanException(
                $"directory {path} cannot be read: {e.Message}",
                "run as the user that will own the cluster, normally postgres",
                e);
        }
    }

    /// <summary>Makes the directory ready: exists, mode 0700, empty but for the marker.</summary>
    public static RestoreDirectory Prepare(string path)
    {
        RequireFillable(path);
        try
        {
            Directory.CreateDirectory(path, DirectoryMode);
            File.SetUnixFileMode(path, DirectoryMode);
            File.WriteAllText(Path.Combine(path, MarkerName), "pitr restore fills this directory; while this file is here it is not a usable cluster\n");
            var directory = new RestoreDirectory(path);
            directory.Clear();
            return directory;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImpossiblePlanException(
                $"directory {path} cannot be prepared: {e.Message}",
                "run as the user that will own the cluster, and check the parent directory",
                e);
        }
    }

    /// <summary>Removes everything but the marker.</summary>
    public void Clear()
    {
        var marker = Path.Combine(Root, MarkerName);
        foreach (var left in Directory.EnumerateFileSystemEntries(Root).Where(e => e != marker))
        {
            if (Directory.Exists(left) && new DirectoryInfo(left).LinkTarget is null)
            {
                Directory.Delete(left, recursive: true);
            }
            else
            {
                File.Delete(left);
            }
        }
    }

    /// <summary>Takes the marker away: the directory now is a data directory.</summary>
    public void Complete()
    {
        File.Delete(Path.Combine(Root, MarkerName));
        LibC.SyncFileSystem(Root);
    }
}
