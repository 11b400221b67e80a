using Pitr.Format.Catalog;

namespace Pitr.Operations.Restore;

/// <summary>A restore that was found possible, before its first byte: the manifest is read, every directory looked at.</summary>
public sealed class PreparedRestore : IDisposable
{
    internal PreparedRestore(RestorePlan plan, string directory, RestoreOptions options, RestoreContent content, IReadOnlyList<TablespacePlace> tablespaces, bool keepsFiles)
    {
        (Plan, Directory, Options, Content, Tablespaces, KeepsFiles) = (plan, directory, options, content, tablespaces, keepsFiles);
    }

    /// <summary>What the planner found possible.</summary>
    public RestorePlan Plan { get; }

    /// <summary>The data directory to be, absolute.</summary>
    public string Directory { get; }

    /// <summary>Where tablespaces go.</summary>
    public IReadOnlyList<TablespacePlace> Tablespaces { get; }

    /// <summary>Whether files that are there are compared and kept instead of removed.</summary>
    public bool KeepsFiles { get; }

    /// <summary>Packs that an earlier, interrupted run has written already.</summary>
    public int WrittenPacks => Content.WrittenPacks.Count;

    /// <summary>How the cluster is set up.</summary>
    public RestoreOptions Options { get; }

    internal RestoreContent Content { get; set; }

    internal BackupDocument Backup => Plan.Backup;

    /// <inheritdoc/>
    public void Dispose() => Content.Dispose();
}
