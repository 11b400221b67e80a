using Pitr.Format.Layout;

namespace Pitr.Operations.Drill.Files;

/// <summary>What of a service of kind files is drilled.</summary>
/// <param name="Backup">Which backup; null for the newest.</param>
/// <param name="Paths">Globs: what of it; none: everything.</param>
public sealed record FilesDrillRequest(BackupId? Backup, IReadOnlyList<string> Paths)
{
    const string Newest = "latest";

    /// <summary>In words.</summary>
    public override string ToString() => (Backup?.ToString() ?? Newest) + (Paths.Count == 0 ? "" : $", only {string.Join(", ", Paths)}");
}
