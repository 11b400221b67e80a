using System.Globalization;
using System.IO.Enumeration;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Pages;

namespace Pitr.Postgres.BaseBackup;

/// <summary>
/// Lists what belongs into a base backup of a running cluster: every tablespace, and nothing that is of one run of the server only. The rules are
/// PostgreSQL's own (excludeDirContents, excludeFiles and sendDir() of src/backend/backup/basebackup.c; "Backing Up the Data Directory" in the documentation).
/// pg_control and backup_label are left to the caller, who reads the one last and is given the other.
/// </summary>
/// <param name="dataDirectory">Absolute path.</param>
/// <param name="control">Of the same cluster.</param>
/// <param name="onLeftOut">Told of entries that cannot be part of a backup, with the reason.</param>
public sealed class ClusterFileList(string dataDirectory, ControlFile control, Action<string, string> onLeftOut)
{
    // Kept as empty directories: the server expects them and fills them by itself.
    static readonly HashSet<string> EmptyDirectories = new(StringComparer.Ordinal)
    {
        "pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans",
    };

    static readonly HashSet<string> LeftOut = new(StringComparer.Ordinal)
    {
        "postmaster.pid", "postmaster.opts", "postgresql.auto.conf.tmp", "current_logfiles.tmp", "backup_label", "tablespace_map", "backup_manifest",
        "recovery.signal", "standby.signal", ControlFile.RelativePath,
    };

    static readonly EnumerationOptions Everything = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };

    const string Tablespaces = "pg_tblspc";
    const string TemporaryPrefix = "pgsql_tmp";
    const string CacheFile = "pg_internal.init";

    /// <summary>Everything, each directory or link before what lies in it. What disappears meanwhile is not listed.</summary>
    public IEnumerable<ClusterFile> List() => ListDirectory("");

    // Names first, and only names: a directory may hold a million files.
    IEnumerable<ClusterFile> ListDirectory(string directory)
    {
        var names = ReadNames(Path.Combine(dataDirectory, directory));
        var unlogged = RelationFileName.TryParseDirectory(directory, out _) ? UnloggedRelations(directory, names) : [];
        foreach (var name in names)
        {
            var path = directory.Length == 0 ? name : $"{directory}/{name}";
            if (IsLeftOut(path, name))
            {
                continue;
            }

            // What is not UTF-8 cannot be opened under the name that .NET gives it.
            if (name.Contains('\uFFFD', StringComparison.Ordinal) || name.Any(char.IsControl))
            {
                onLeftOut(path, "its name is not plain text");
                continue;
            }

            if (Find(Path.Combine(dataDirectory, path)) is not { } entry)
            {
                continue;
            }

            foreach (var file in ListEntry(path, entry, unlogged))
            {
                yield return file;
            }
        }
    }

    // Null if it is gone. The first question asks the file system, and the others get the same answer.
    static FileSystemInfo? Find(string fullPath)
    {
        var file = new FileInfo(fullPath);
        return file.Exists || file.LinkTarget is not null ? file
            : new DirectoryInfo(fullPath) is { Exists: true } directory ? directory
            : null;
    }

    IEnumerable<ClusterFile> ListEntry(string path, FileSystemInfo entry, HashSet<uint> unlogged)
    {
        if (EmptyDirectories.Contains(path))
        {
            return ListEmpty(path, entry);
        }

        // Only links are asked where they point.
        if (entry.Attributes.HasFlag(FileAttributes.ReparsePoint) && entry.LinkTarget is { } target)
        {
            return ListLink(path, entry, target);
        }

        return entry switch
        {
            DirectoryInfo => ListDirectory(path).Prepend(Describe(path, entry, TarEntryKind.Directory, null)),
            _ when IsSpecial(entry) => Refuse(path),
            _ when RelationFileName.TryParse(path, out var relation) && (relation.IsTemporary || (relation.Fork != RelationFork.Initial && unlogged.Contains(relation.Number))) => [],
            _ => [Describe(path, entry, TarEntryKind.File, null)],
        };
    }

    static bool IsLeftOut(string path, string name) => LeftOut.Contains(path)
        || name.StartsWith(TemporaryPrefix, StringComparison.Ordinal)
        || name.StartsWith(CacheFile, StringComparison.Ordinal)
        || name.StartsWith(".pitr-", StringComparison.Ordinal);

    // Whatever it is here, a link to another disk maybe: in a backup it is an empty directory.
    static IEnumerable<ClusterFile> ListEmpty(string path, FileSystemInfo entry)
    {
        const int mode = 0x1C0;
        yield return new ClusterFile(path, entry.FullName, TarEntryKind.Directory, mode, Modified(entry), null, 0);
        if (path == "pg_wal")
        {
            yield return new ClusterFile("pg_wal/archive_status", entry.FullName, TarEntryKind.Directory, mode, Modified(entry), null, 0);
        }
    }

    IEnumerable<ClusterFile> ListLink(string path, FileSystemInfo entry, string target)
    {
        if (!path.StartsWith(Tablespaces + "/", StringComparison.Ordinal) || !uint.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            onLeftOut(path, "it is a symbolic link, which pg_basebackup does not follow either");
            return [];
        }

        // Another version's directory may lie beside it, left by pg_upgrade.
        var version = $"{path}/PG_{control.MajorVersion}_{control.CatalogVersion}";
        var link = Describe(path, entry, TarEntryKind.Link, target);
        var directory = new DirectoryInfo(Path.Combine(dataDirectory, version));
        return directory.Exists ? ListDirectory(version).Prepend(Describe(version, directory, TarEntryKind.Directory, null)).Prepend(link) : [link];
    }

    IEnumerable<ClusterFile> Refuse(string path)
    {
        onLeftOut(path, "it is neither a file nor a directory");
        return [];
    }

    static ClusterFile Describe(string path, FileSystemInfo entry, TarEntryKind kind, string? target) => new(
        path, entry.FullName, kind, kind == TarEntryKind.Link ? 0x1FF : (int)entry.UnixFileMode, Modified(entry), target,
        kind == TarEntryKind.File && entry is FileInfo file ? file.Length : 0);

    static DateTimeOffset Modified(FileSystemInfo entry) => new(entry.LastWriteTimeUtc, TimeSpan.Zero);

    // A socket or a pipe, whose opening could last forever. .NET gives them no attribute of their own; they are always empty.
    static bool IsSpecial(FileSystemInfo entry) => entry is FileInfo { Length: 0 } && LibC.IsSpecialFile(entry.FullName);

    // A relation with an init fork is unlogged: a crash empties it, and so does a restore.
    static HashSet<uint> UnloggedRelations(string directory, string[] names)
    {
        var unlogged = new HashSet<uint>();
        foreach (var name in names.Where(n => n.EndsWith("_init", StringComparison.Ordinal)))
        {
            if (RelationFileName.TryParse($"{directory}/{name}", out var relation))
            {
                unlogged.Add(relation.Number);
            }
        }

        return unlogged;
    }

    static string[] ReadNames(string directory)
    {
        try
        {
            string[] names = [.. new FileSystemEnumerable<string>(directory, (ref FileSystemEntry entry) => entry.FileName.ToString(), Everything)];
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (DirectoryNotFoundException)
        {
            // A database that was dropped, or a directory for temporary files.
            return [];
        }
    }
}
