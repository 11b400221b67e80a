using Pitr.Format.Catalog;

namespace Pitr.Operations.Retention;

/// <summary>What the rules say of one backup.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="Keeps">The rules that keep it, in words; empty when it goes.</param>
/// <param name="Why">In words: what keeps it, or why it goes.</param>
public sealed record BackupVerdict(ICatalogEntry Backup, IReadOnlyList<string> Keeps, string Why)
{
    /// <summary>Whether no rule keeps it.</summary>
    public bool Goes => Keeps.Count == 0;
}
