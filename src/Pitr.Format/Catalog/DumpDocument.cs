using Pitr.Format.Wal;

namespace Pitr.Format.Catalog;

/// <summary>
/// <c>services/&lt;name&gt;/dumps/&lt;id&gt;/dump.json</c>: the catalog entry of a dump. It is written last; its presence is the backup.
/// </summary>
public sealed record DumpDocument : ICatalogEntry
{
    const string What = "dump document";

    public int Format { get; init; } = 1;

    /// <summary>Backup id, e.g. 20261121T031500Z.</summary>
    public required string Id { get; init; }

    public required string Service { get; init; }

    /// <summary>Kind of the service, e.g. "postgres-dump".</summary>
    public required string Kind { get; init; }

    /// <summary>Host that took the backup.</summary>
    public required string Host { get; init; }

    public required string PitrVersion { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required DateTimeOffset Finished { get; init; }

    /// <summary>The tool that wrote the streams, with its version as it says it, e.g. "pg_dump 15.13".</summary>
    public required string Tool { get; init; }

    /// <inheritdoc cref="DumpManifest.Product"/>
    public required string Product { get; init; }

    /// <inheritdoc cref="DumpManifest.ServerVersion"/>
    public required string ServerVersion { get; init; }

    /// <summary>Bytes of all streams.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes this backup added to the repository.</summary>
    public required long StoredBytes { get; init; }

    /// <inheritdoc cref="DumpManifest.Streams"/>
    public required IReadOnlyList<DumpStreamRecord> Streams { get; init; }

    /// <inheritdoc cref="DumpManifest.Parts"/>
    public required IReadOnlyList<StoredObject> Parts { get; init; }

    public required StoredObject Manifest { get; init; }

    /// <summary><c>SHA256SUMS</c> beside it.</summary>
    public required StoredObject Sums { get; init; }

    /// <summary>Ids of all data keys needed to restore it.</summary>
    public required IReadOnlyList<string> DataKeys { get; init; }

    /// <summary>The last lines that the tools wrote to standard error although they ended well.</summary>
    // Generated readers set a missing member to null, past the initializer.
    public IReadOnlyList<string> Messages { get; init => field = value ?? []; } = [];

    /// <inheritdoc/>
    public string? Pinned { get; init; }

    /// <inheritdoc/>
    public DateTimeOffset? PinnedUntil { get; init; }

    DateTimeOffset ICatalogEntry.StopTime => Finished;

    // A tool that did not end well leaves no dump.
    bool ICatalogEntry.IsSound => true;

    (string Cluster, uint Timeline, Lsn Position) ICatalogEntry.Place => ("", 0, default);

    /// <exception cref="DamagedObjectException">Not such a document.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static DumpDocument Parse(ReadOnlySpan<byte> utf8)
    {
        var document = DocumentJson.Read(utf8, DocumentJson.Default.DumpDocument, What);
        DumpManifest.RequireWhole(document.Streams, document.Parts, What);
        DocumentJson.RequireNoNull(document.DataKeys, What, "data-keys");
        DocumentJson.RequireNoNull(document.Messages, What, "messages");
        return document;
    }

    /// <inheritdoc/>
    public ICatalogEntry WithPin(string? reason, DateTimeOffset? until) => this with { Pinned = reason, PinnedUntil = until };

    public byte[] ToJson() => DocumentJson.Write(this, DocumentJson.Default.DumpDocument);
}
