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

        RequireNoLinks(directory, option);
        return true;
    }

    /// <summary>
    /// Refuses to put anything aside but the cluster with this system identifier. One that cannot tell it any more may be put aside: nothing of it
    /// is lost by that, and a damaged control file is a reason to restore.
    /// </summary>
    /// <param name="directory">Absolute; it may be missing or empty.</param>
    /// <param name="systemIdentifier">Of the backup, decimal.</param>
    /// <param name="option">The option that asked for it, for messages.</param>
    /// <exception cref="ImpossiblePlanException">It is another cluster, or no data directory, or it has links to directories other than pg_wal.</exception>
    public static void RequireOwn(string directory, string systemIdentifier, string option)
    {
        if (!Directory.Exists(directory) || !Directory.EnumerateFileSystemEntries(directory).Any())
        {
            return;
        }

        if (!File.Exists(Path.Combine(directory, "PG_VERSION")) && !RestoreMark.IsIn(directory))
        {
            throw new ImpossiblePlanException($"{directory} is not empty and not a data directory of PostgreSQL: it has no PG_VERSION", $"{option} works on a cluster's own data directory; nothing was touched");
        }

        if (TryReadControl(directory)?.SystemIdentifier.ToString(CultureInfo.InvariantCulture) is { } found && found != systemIdentifier)
        {
            throw new ImpossiblePlanException(
                $"{directory} holds the cluster with system identifier {found}, the backup is of {systemIdentifier}",
                $"{option} works within one cluster only; restore into another directory with --to. Nothing was touched");
        }

        RequireNoLinks(directory, option, "pg_wal");
    }

    /// <summary>The control file of a cluster; null when it cannot be read.</summary>
    public static ControlFile? TryReadControl(string directory)
    {
        try
        {
            return ControlFile.ReadFrom(directory);
        }
        catch (ServerException)
        {
            return null;
        }
    }

    // Written through, they would lead out of the directory; replaced by directories, they might fill the wrong disk.
    static void RequireNoLinks(string directory, string option, string? but = null)
    {
        foreach (var link in new DirectoryInfo(directory).EnumerateDirectories().Where(d => d.LinkTarget is not null && d.Name != but))
        {
            throw new ImpossiblePlanException(
                $"{link.FullName} is a link to {link.LinkTarget}; {option} follows no links but those of tablespaces{(but is null ? "" : $" and {but}")}",
                "move what it names into its place, or restore into a new directory; nothing was touched");
        }
    }

    /// <summary>Directories that the cluster's tablespaces have, links resolved.</summary>
    public static IReadOnlySet<string> TablespaceDirectories(string directory) => TablespaceLinks(directory).Values.Select(TablespaceMap.RealPath).ToHashSet();

    /// <summary>What the links of the cluster's tablespaces name, by OID.</summary>
    public static IReadOnlyDictionary<string, string> TablespaceLinks(string directory)
    {
        var links = new DirectoryInfo(Path.Combine(directory, LinkDirectory));
        return (links.Exists ? links.EnumerateFileSystemInfos() : [])
            .Where(l => l.LinkTarget is { } target && target.StartsWith('/'))
            .ToDictionary(l => l.Name, l => l.LinkTarget!, StringComparer.Ordinal);
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

    /// <summary>Refuses a directory whose server runs.</summary>
    /// <exception cref="ImpossiblePlanException">It runs.</exception>
    public static void RequireStopped(string directory, string option)
    {
        if (RunningServer.Find(TablespaceMap.RealPath(directory)) is { } server)
        {
            throw new ImpossiblePlanException(
                $"a PostgreSQL server runs on {directory}, says its postmaster.pid (process {server.ProcessId})",
                $"stop it first: pg_ctl -D {directory} stop. {option} touches stopped clusters only");
        }
    }
}
