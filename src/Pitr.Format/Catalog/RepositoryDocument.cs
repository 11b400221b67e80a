namespace Pitr.Format.Catalog;

/// <summary><c>repository.json</c>: what makes a place a repository.</summary>
public sealed record RepositoryDocument
{
    const string What = "repository document";

    public int Format { get; init; } = 1;

    /// <summary>Random, 32 lower-case hexadecimal digits; tells two repositories apart wherever they are moved.</summary>
    public required string RepositoryId { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <exception cref="DamagedObjectException">Not such a document.</exception>
    /// <exception cref="UnsupportedFormatException">Written in a newer format.</exception>
    public static RepositoryDocument Parse(ReadOnlySpan<byte> utf8)
    {
        var document = DocumentJson.Read(utf8, DocumentJson.Default.RepositoryDocument, What);
        DocumentJson.Require(document.RepositoryId.Length > 0, What, "repository-id is empty");
        return document;
    }

    public byte[] ToJson() => DocumentJson.Write(this, DocumentJson.Default.RepositoryDocument);
}
