namespace Pitr.Format.Catalog;

/// <summary><c>services/&lt;name&gt;/service.json</c>: what a service is and which clusters it has been.</summary>
public sealed record ServiceDocument
{
    const string What = "service document";

    public int Format { get; init; } = 1;

    public required string Name { get; init; }

    /// <summary>"postgres", or one of the other kinds of service.</summary>
    public required string Kind { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>Oldest first; the last is the cluster served now.</summary>
    // Generated readers set a missing member to null, past the initializer.
    public IReadOnlyList<SystemIdentifierRecord> SystemIdentifiers { get; init => field = value ?? []; } = [];

    /// <exception cref="DamagedObjectException">Not such a document.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static ServiceDocument Parse(ReadOnlySpan<byte> utf8)
    {
        var document = DocumentJson.Read(utf8, DocumentJson.Default.ServiceDocument, What);
        DocumentJson.RequireNoNull(document.SystemIdentifiers, What, "system-identifiers");
        return document;
    }

    public byte[] ToJson() => DocumentJson.Write(this, DocumentJson.Default.ServiceDocument);
}
