namespace Pitr.Format.Catalog;

/// <summary>
/// <c>services/&lt;name&gt;/dumps/&lt;id&gt;/manifest</c>, sealed: which parts make up a dump, in which order. A restore believes it, not the clear catalog
/// entry: so a part that is cut short, missing, exchanged or in another place does not go unnoticed.
/// </summary>
public sealed record DumpManifest
{
    const string What = "manifest of a dump";

    public int Format { get; init; } = 1;

    /// <summary>Backup id, e.g. 20261121T031500Z.</summary>
    public required string Id { get; init; }

    public required string Service { get; init; }

    /// <summary>Kind of the service, e.g. "postgres-dump".</summary>
    public required string Kind { get; init; }

    /// <summary>What the server is, e.g. "PostgreSQL" or "MariaDB".</summary>
    public required string Product { get; init; }

    /// <summary>The server's version as it says it, e.g. "15.13".</summary>
    public required string ServerVersion { get; init; }

    /// <summary>In the order in which they were written.</summary>
    public required IReadOnlyList<DumpStreamRecord> Streams { get; init; }

    /// <summary>By number.</summary>
    public required IReadOnlyList<StoredObject> Parts { get; init; }

    /// <exception cref="DamagedObjectException">Not such a document, or its streams are not made of its parts.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static DumpManifest Parse(ReadOnlySpan<byte> utf8)
    {
        var manifest = DocumentJson.Read(utf8, DocumentJson.Default.DumpManifest, What);
        RequireWhole(manifest.Streams, manifest.Parts, What);
        return manifest;
    }

    public byte[] ToJson() => DocumentJson.Write(this, DocumentJson.Default.DumpManifest);

    internal static void RequireWhole(IReadOnlyList<DumpStreamRecord> streams, IReadOnlyList<StoredObject> parts, string what)
    {
        DocumentJson.RequireNoNull(streams, what, "streams");
        DocumentJson.RequireNoNull(parts, what, "parts");
        var next = 0;
        foreach (var stream in streams)
        {
            DocumentJson.Require(stream.FirstPart == next && stream.PartCount >= 1 && stream.PartCount <= parts.Count - next, what, $"stream {stream.Name} is not made of its parts");
            DocumentJson.RequireNoNull(stream.Properties.Values, what, "properties");
            DocumentJson.RequireNoNull(stream.Counts, what, "counts");
            DocumentJson.Require(stream.Counts.All(c => c is { Before: >= 0, After: >= 0, Expiring: null or >= 0 }), what, $"stream {stream.Name} has less than nothing");
            next += stream.PartCount;
        }

        DocumentJson.Require(next == parts.Count, what, "it has parts that belong to no stream");
        DocumentJson.Require(streams.DistinctBy(s => s.Name, StringComparer.Ordinal).Count() == streams.Count, what, "two streams have one name");
    }
}
