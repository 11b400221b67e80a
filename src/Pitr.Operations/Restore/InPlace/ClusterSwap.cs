using System.Globalization;
using System.Text;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore.InPlace;

/// <summary>
/// Moves a cluster's directories aside and back, each by one rename on its own file system. Of a tablespace only the directory of this version
/// of PostgreSQL is moved: the rest may be another cluster's, and the tablespace itself is often a file system of its own.
/// </summary>
static class ClusterSwap
{
    const int MountPointField = 4;

    // What names aside are made with.
    static readonly string[] Words = ["before", "failed", "undone"];

    /// <summary>What has to be moved, the data directory first. Every tablespace is, also one that the backup does not know: replay may write into it.</summary>
    /// <param name="directory">The data directory, links resolved.</param>
    /// <param name="id">Of the restore.</param>
    public static IReadOnlyList<InPlaceMove> Moves(string directory, string id)
    {
        if (!Directory.Exists(directory))
        {
            return [];
        }

        var places = new List<string> { directory };
        if (LinkedWal.Find(directory) is { } wal && Directory.Exists(wal.Directory))
        {
            places.Add(wal.Directory);
        }

        var versionFile = Path.Combine(directory, "PG_VERSION");
        var version = File.Exists(versionFile) ? File.ReadAllText(versionFile).Trim() : "";
        foreach (var tablespace in ExistingCluster.TablespaceDirectories(directory).Where(Directory.Exists).Order(StringComparer.Ordinal))
        {
            places.AddRange(Directory.EnumerateDirectories(tablespace).Where(d => IsVersion(Path.GetFileName(d), version)));
        }

        return [.. places.Select(p => new InPlaceMove(p, $"{p}.before-{id}"))];
    }

    /// <summary>An id that no name aside has: two restores within one second would take each other's old cluster for their own.</summary>
    public static string FreeId(string directory, DateTimeOffset now)
    {
        while (Array.Exists(Words, word => Path.Exists($"{directory}.{word}-{new BackupId(now)}")))
        {
            now += TimeSpan.FromSeconds(1);
        }

        return new BackupId(now).ToString();
    }

    // PG_15_202209061: TABLESPACE_VERSION_DIRECTORY of PostgreSQL 15 src/include/common/relpath.h.
    static bool IsVersion(string name, string version) =>
        name.Split('_') is ["PG", var major, var catalog] && major == version && int.TryParse(catalog, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    /// <summary>Refuses what could not be renamed.</summary>
    /// <param name="directory">The data directory, links resolved.</param>
    /// <param name="moves">What has to be moved.</param>
    /// <param name="others">Directories of the cluster, there or not, beside which something is made.</param>
    /// <exception cref="ImpossiblePlanException">One is a mount point, or its parent cannot be written.</exception>
    public static void RequirePossible(string directory, IReadOnlyList<InPlaceMove> moves, params IEnumerable<string> others)
    {
        var mounts = MountPoints();
        foreach (var move in moves.Where(m => mounts.Contains(m.Place)))
        {
            throw new ImpossiblePlanException(
                $"{move.Place} is a mount point and cannot be moved aside; nothing was touched",
                move.Place == directory
                    ? $"stop the server and restore over the cluster, which keeps nothing to go back to: --to {directory} --delta (or --overwrite). To try the moment out before: --to DIR on another file system, --start. For next time move the data directory into a directory of that file system, as PostgreSQL recommends"
                    : $"stop the server, move what is in it into a directory of that file system, and let the link lead there; or restore into a new directory with --to");
        }

        foreach (var parent in moves.Select(m => m.Place).Append(directory).Concat(others).Select(p => Path.GetDirectoryName(p)!).Distinct(StringComparer.Ordinal))
        {
            if (!Directory.Exists(parent) || !LibC.MayWrite(parent))
            {
                throw new ImpossiblePlanException(
                    $"{parent} {(Directory.Exists(parent) ? "may not be written" : "does not exist")}: {(parent == Path.GetDirectoryName(directory) ? "the data directory" : "a directory of the cluster")} cannot be moved aside there",
                    $"run as the owner of the cluster, and give that user {parent}: chown postgres {parent}");
            }
        }
    }

    // Field 5 of each line of proc_pid_mountinfo(5); blanks and the like are octal there.
    static HashSet<string> MountPoints() =>
        [.. File.ReadLines("/proc/self/mountinfo").Select(line => Unescaped(line.Split(' ')[MountPointField]))];

    static string Unescaped(string path)
    {
        var text = new StringBuilder();
        for (var i = 0; i < path.Length; i++)
        {
            if (path[i] == '\\' && i + 3 < path.Length)
            {
                text.Append((char)Convert.ToInt32(path.Substring(i + 1, 3), 8));
                i += 3;
            }
            else
            {
                text.Append(path[i]);
            }
        }

        return text.ToString();
    }

    /// <summary>Moves the old cluster aside, as far as it is not yet. The data directory goes first: nobody can start a half of the cluster.</summary>
    /// <exception cref="ImpossiblePlanException">A rename failed.</exception>
    public static void MoveAside(InPlaceJournal journal)
    {
        foreach (var move in journal.Moves.Where(m => !Directory.Exists(m.Aside)))
        {
            Rename(move.Place, move.Aside);
        }
    }

    /// <summary>Puts the old cluster back, and what is in its place away; the data directory comes last.</summary>
    /// <returns>Where what was in its place lies now.</returns>
    /// <exception cref="ImpossiblePlanException">A rename failed.</exception>
    public static IReadOnlyList<string> PutBack(InPlaceJournal journal)
    {
        foreach (var move in journal.Moves.Reverse().Where(m => Directory.Exists(m.Aside)))
        {
            PutAway(journal, move.Place);
            Rename(move.Aside, move.Place);
            // Left by a restore that was interrupted; in the data directory it has gone with the rest.
            File.Delete(Path.Combine(Path.GetDirectoryName(move.Place)!, RestoreMark.FileName));
        }

        // Before there is nothing that this restore has made.
        foreach (var made in journal.Phase >= InPlacePhase.Restoring ? journal.Made : [])
        {
            PutAway(journal, made);
            File.Delete(Path.Combine(Path.GetDirectoryName(made)!, RestoreMark.FileName));
        }

        return [.. journal.Moves.Select(m => m.Place).Concat(journal.Made).Select(journal.Failed).Where(Directory.Exists)];
    }

    static void PutAway(InPlaceJournal journal, string place)
    {
        if (Directory.Exists(place))
        {
            Rename(place, journal.Failed(place));
        }
    }

    static void Rename(string from, string to)
    {
        try
        {
            if (!LibC.TryRename(from, to))
            {
                throw new IOException($"{from} and {to} are not of one file system");
            }

            LibC.SyncDirectory(Path.GetDirectoryName(to)!);
        }
        catch (IOException e)
        {
            throw new ImpossiblePlanException(e.Message, $"look at the permissions of {Path.GetDirectoryName(to)}", e);
        }
    }
}
