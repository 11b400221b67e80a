using System.Globalization;
using Pitr.Operations.Errors;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Restore;

/// <summary>A data directory that shall be restored over: whether it may be, found out without touching it.</summary>
static class ExistingCluster
{
    const string LinkDirectory = "pg_tblspc";

    /// <summary>Refuses everything but a stopped cluster with this system identifier, or an unfinished restore of it; an empty or missing directory is no cluster.</summary>
    /// <param name="directory">Absolute.</param>
    /// <param name="systemIdentifier">Of the backup, decimal.</param>
    /// <param name="option">The option that asked for it, for messages.</param>
    /// <returns>Whether there is a cluster.</returns>
    /// <exception cref="ImpossiblePlanException">It is something else, or another cluster, or its server runs, or it has links to directories.</exception>
    public static bool Require(string directory, string systemIdentifier, string option)
    {
        if (!Directory.Exists(directory) || !Directory.EnumerateFileSystemEntries(directory).Any())
        {
            return false;
        }

        RequireStopped(directory, option);
        var found = RestoreMark.TryRead(directory) is { } mark ? mark.SystemIdentifier : ReadSystemIdentifier(directory, option);
        if (found != systemIdentifier)
        {
            throw new ImpossiblePlanException(
                $"{directory} holds {(string.IsNullOrEmpty(found) ? "an unfinished restore of a cluster that cannot be told" : $"the cluster with system identifier {found}")}, the backup is of {systemIdentifier}",
                $"{option} works within one cluster only; name another directory with --to. Nothing was touched");
        }

        // Written through, they would lead out of the directory; replaced by directories, they might fill the wrong disk.
        foreach (var link in new DirectoryInfo(directory).EnumerateDirectories().Where(d => d.LinkTarget is not null))
        {
            throw new ImpossiblePlanException(
                $"{link.FullName} is a link to {link.LinkTarget}; {option} follows no links but those of tablespaces",
                "move what it names into its place, or restore into a new directory; nothing was touched");
        }

        return true;
    }

    /// <summary>Directories that the cluster's tablespaces have, links resolved.</summary>
    public static IReadOnlySet<string> TablespaceDirectories(string directory)
    {
        var links = new DirectoryInfo(Path.Combine(directory, LinkDirectory));
        return links.Exists
            ? links.EnumerateFileSystemInfos().Where(l => l.LinkTarget is { } target && target.StartsWith('/')).Select(l => TablespaceMap.RealPath(l.LinkTarget!)).ToHashSet()
            : new HashSet<string>();
    }

    /// <summary>Names of the segments and history files in pg_wal that the server had not archived when it stopped.</summary>
    public static IReadOnlyList<string> UnarchivedWal(string directory)
    {
        const string Suffix = ".ready";
        var states = new DirectoryInfo(Path.Combine(directory, "pg_wal", "archive_status"));
        return states.Exists
            ? [.. states.EnumerateFiles("*" + Suffix).Select(f => f.Name[..^Suffix.Length]).Where(name => File.Exists(Path.Combine(directory, "pg_wal", name))).Order(StringComparer.Ordinal)]
            : [];
    }

    static string ReadSystemIdentifier(string directory, string option)
    {
        Exception? cause = null;
        try
        {
            if (File.Exists(Path.Combine(directory, "PG_VERSION")))
            {
                return ControlFile.ReadFrom(directory).SystemIdentifier.ToString(CultureInfo.InvariantCulture);
            }
        }
        catch (Exception e) when (e is ServerException or IOException or UnauthorizedAccessException)
        {
            cause = e;
        }

        throw new ImpossiblePlanException(
            $"{directory} is not empty and not a data directory of PostgreSQL: {cause?.Message ?? "it has no PG_VERSION"}",
            $"{option} clears or changes data directories of the same cluster only; nothing was touched",
            cause);
    }

    static void RequireStopped(string directory, string option)
    {
        var file = Path.Combine(directory, "postmaster.pid");
        if (!File.Exists(file))
        {
            return;
        }

        // A number that is not readable yet is a server that is just starting.
        if (!int.TryParse(File.ReadLines(file).FirstOrDefault()?.TrimStart('-'), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || Runs(pid, directory))
        {
            throw new ImpossiblePlanException(
                $"a PostgreSQL server runs on {directory}, says its postmaster.pid (process {pid})",
                $"stop it first: pg_ctl -D {directory} stop. {option} touches stopped clusters only");
        }
    }

    // A server works in its data directory, so its own directory tells it from another process that has its number by now.
    static bool Runs(int pid, string directory)
    {
        try
        {
            return Directory.Exists($"/proc/{pid}") && new FileInfo($"/proc/{pid}/cwd").LinkTarget is var cwd && (cwd is null || cwd == TablespaceMap.RealPath(directory));
        }
        catch (Exception e) when (e is UnauthorizedAccessException)
        {
            // Another user's process, which cannot be asked: it may be the server.
            return true;
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return false;
        }
    }
}
