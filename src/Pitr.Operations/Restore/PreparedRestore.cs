using Pitr.Format.Catalog;

namespace Pitr.Operations.Restore;

/// <summary>A restore that was found possible, before its first byte: the manifest is read, every directory looked at.</summary>
public sealed class PreparedRestore : IDisposable
{
    internal PreparedRestore(RestorePlan plan, string directory, RestoreOptions options, RestoreContent content, IReadOnlyList<TablespacePlace> tablespaces, IReadOnlyList<SpaceNeed> space, bool keepsFiles)
    {
        (Plan, Directory, Options, Content, Tablespaces, Space, KeepsFiles) = (plan, directory, options, content, tablespaces, space, keepsFiles);
    }

    /// <summary>What the planner found possible.</summary>
    public RestorePlan Plan { get; }

    /// <summary>The data directory to be, absolute.</summary>
    public string Directory { get; }

    /// <summary>Where tablespaces go.</summary>
    public IReadOnlyList<TablespacePlace> Tablespaces { get; }

    /// <summary>What each file system has to have room for; the data directory's first.</summary>
    public IReadOnlyList<SpaceNeed> Space { get; }

    /// <summary>Whether files that are there are compared and kept instead of removed.</summary>
    public bool KeepsFiles { get; }

    /// <summary>Packs that an earlier, interrupted run has written already.</summary>
    public int WrittenPacks => Content.WrittenPacks.Count;

    /// <summary>How the cluster is set up.</summary>
    public RestoreOptions Options { get; }

    internal RestoreContent Content { get; set; }

    /// <summary>Directories that it fills, the data directory first; of a tablespace that of the backup's version of PostgreSQL.</summary>
    internal IEnumerable<string> Places() =>
        Tablespaces.SelectMany((t, i) => Content.VersionDirectories(i + 1).Select(v => Path.Combine(t.Directory, v))).Prepend(Directory);

    internal BackupDocument Backup => Plan.Backup;

    /// <inheritdoc/>
    public void Dispose() => Content.Dispose();
}
