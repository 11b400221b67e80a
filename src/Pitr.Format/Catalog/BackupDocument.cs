using Pitr.Format.Wal;

namespace Pitr.Format.Catalog;

/// <summary>
/// <c>services/&lt;name&gt;/backups/&lt;id&gt;/backup.json</c>: the catalog entry of a base backup, or of a backup of kind files. It is written last; its presence is the backup.
/// </summary>
public sealed record BackupDocument : ICatalogEntry
{
    const string What = "backup document";

    static readonly Dictionary<string, string> NoSettings = [];
    static readonly UsedPack[] NoPacks = [];
    static readonly DamagedPage[] NoDamage = [];
    static readonly ResumedBackup[] NoResumed = [];

    public int Format { get; init; } = 1;

    /// <summary>Backup id, e.g. 20261121T031500Z.</summary>
    public required string Id { get; init; }

    public required string Service { get; init; }

    // Here and below: generated readers set a missing member to null, past the initializer.
    public string Kind { get; init => field = value ?? "postgres"; } = "postgres";

    /// <summary>How the files were read: "stream" or "direct".</summary>
    public required string Method { get; init; }

    /// <summary>Host that took the backup.</summary>
    public required string Host { get; init; }

    public required string PitrVersion { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required DateTimeOffset Finished { get; init; }

    /// <summary>When the server ended backup mode: the earliest moment the backup can be brought to.</summary>
    public required DateTimeOffset StopTime { get; init; }

    /// <summary>PostgreSQL's backup label.</summary>
    public required string Label { get; init; }

    /// <summary>Where replay must begin.</summary>
    public required Lsn StartLsn { get; init; }

    /// <summary>Where replay must at least arrive.</summary>
    public required Lsn StopLsn { get; init; }

    /// <summary>Name of the first segment needed.</summary>
    public required string StartWal { get; init; }

    /// <summary>Name of the last segment needed to reach consistency.</summary>
    public required string StopWal { get; init; }

    public required uint Timeline { get; init; }

    /// <summary>Decimal.</summary>
    public required string SystemIdentifier { get; init; }

    /// <summary>server_version_num, e.g. 150018.</summary>
    public required int PostgresVersion { get; init; }

    /// <summary>Bytes.</summary>
    public required int WalSegmentSize { get; init; }

    /// <summary>Bytes.</summary>
    public required int PageSize { get; init; }

    /// <summary>data_checksum_version of pg_control: 0 without page checksums.</summary>
    public required uint ChecksumVersion { get; init; }

    /// <summary>Sum of the sizes of the files in the backup.</summary>
    public required long DatabaseBytes { get; init; }

    /// <summary>Bytes this backup added to the repository.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Files in the backup.</summary>
    public required int Files { get; init; }

    /// <summary>Pages whose checksum was wrong on the server.</summary>
    public int DamagedPages { get; init; }

    /// <summary>Where those pages are, the first thousand of them.</summary>
    public IReadOnlyList<DamagedPage> Damage { get; init => field = value ?? NoDamage; } = NoDamage;

    /// <summary>
    /// Databases by OID, each with what changes whenever another one takes its OID: the inserting transaction of its row in pg_database. Pages of a
    /// database that was copied from another one keep their old LSNs; so they are unchanged only within the same database.
    /// </summary>
    public IReadOnlyDictionary<string, string> Databases { get; init => field = value ?? NoSettings; } = NoSettings;

    /// <summary>Of kind files: what it holds. Everything about WAL is 0 or empty then.</summary>
    public TreeRecord? Tree { get; init; }

    /// <summary>Whether everything that it should hold was read rightly.</summary>
    public bool IsSound() => DamagedPages == 0 && Tree is not { Unreadable: > 0 };

    public required StoredObject Manifest { get; init; }

    /// <summary>Packs written by this backup; the manifest may refer to those of older backups as well.</summary>
    public required IReadOnlyList<StoredObject> Packs { get; init; }

    /// <summary>
    /// Packs of older backups that hold unchanged pages of this one, by key. Together with <see cref="Packs"/> they are all it needs: they live as
    /// long as it does, whatever becomes of the backups that wrote them.
    /// </summary>
    public IReadOnlyList<UsedPack> OlderPacks { get; init => field = value ?? NoPacks; } = NoPacks;

    /// <summary>The backup whose unchanged pages were not copied again; null when every page was.</summary>
    public string? Base { get; init; }

    /// <summary>Why every page was copied, but for those in <see cref="Resumed"/>; null when <see cref="Base"/> is not.</summary>
    public string? FullCopyReason { get; init; }

    /// <summary>Interrupted backups that this one went on from; what it uses of their packs is in <see cref="OlderPacks"/>.</summary>
    public IReadOnlyList<ResumedBackup> Resumed { get; init => field = value ?? NoResumed; } = NoResumed;

    /// <summary>What told changed pages from unchanged ones: "lsn", their own positions, or "summaries", the server's WAL summaries; null without <see cref="Base"/>.</summary>
    public string? Changes { get; init; }

    /// <summary>Ids of all data keys needed to restore this backup's files.</summary>
    public required IReadOnlyList<string> DataKeys { get; init; }

    /// <summary>Server settings worth having at restore, by name.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init => field = value ?? NoSettings; } = NoSettings;

    /// <summary>Why retention must leave this backup alone; null if it may not.</summary>
    public string? Pinned { get; init; }

    /// <summary>When that ends; null: never.</summary>
    public DateTimeOffset? PinnedUntil { get; init; }

    bool ICatalogEntry.IsSound => IsSound();

    (string Cluster, uint Timeline, Lsn Position) ICatalogEntry.Place => (SystemIdentifier, Timeline, StopLsn);

    /// <exception cref="DamagedObjectException">Not such a document.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static BackupDocument Parse(ReadOnlySpan<byte> utf8)
    {
        var document = DocumentJson.Read(utf8, DocumentJson.Default.BackupDocument, What);
        DocumentJson.RequireNoNull(document.Packs, What, "packs");
        DocumentJson.RequireNoNull(document.OlderPacks, What, "older-packs");
        DocumentJson.RequireNoNull(document.DataKeys, What, "data-keys");
        DocumentJson.RequireNoNull(document.Damage, What, "damage");
        DocumentJson.RequireNoNull(document.Resumed, What, "resumed");
        DocumentJson.RequireNoNull(document.Tree?.Roots ?? [], What, "tree.roots");
        DocumentJson.RequireNoNull(document.Tree?.Problems ?? [], What, "tree.problems");
        DocumentJson.RequireNoNull(document.Tree?.Journal?.Parts ?? [], What, "tree.journal.parts");
        DocumentJson.RequireNoNull(document.Tree?.Journal?.Sequences ?? [], What, "tree.journal.sequences");
        DocumentJson.RequireNoNull(document.Tree?.Journal?.Gaps ?? [], What, "tree.journal.gaps");
        DocumentJson.RequireNoNull(document.Tree?.Journal?.Messages ?? [], What, "tree.journal.messages");
        DocumentJson.RequireNoNull(document.Databases.Values, What, "databases");
        DocumentJson.RequireNoNull(document.Settings.Values, What, "settings");
        return document;
    }

    /// <inheritdoc/>
    public ICatalogEntry WithPin(string? reason, DateTimeOffset? until) => this with { Pinned = reason, PinnedUntil = until };

    public byte[] ToJson() => DocumentJson.Write(this, DocumentJson.Default.BackupDocument);
}
