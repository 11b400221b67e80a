namespace Pitr.Format.Catalog;

/// <summary>A file or directory that a backup of kind files could not take as it was.</summary>
/// <param name="Path">Absolute, as <see cref="Manifests.EscapedBytes"/> writes it.</param>
/// <param name="What">"unreadable", "changed" (while it was read, twice) or "vanished".</param>
public sealed record TreeProblem(string Path, string What)
{
    /// <summary>Why, in words; null where the word says enough.</summary>
    public string? Reason { get; init; }
}
