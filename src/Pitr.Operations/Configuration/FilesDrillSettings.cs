namespace Pitr.Operations.Configuration;

/// <summary>The <c>drill</c> section of a service of kind files.</summary>
/// <param name="CheckTimeout"><c>check-timeout</c>: how long one command may take. Default 5 minutes.</param>
/// <param name="Checks"><c>checks</c>, in the order written; no name twice. Default none.</param>
public sealed record FilesDrillSettings(TimeSpan CheckTimeout, IReadOnlyList<FilesCheckSettings> Checks)
{
    /// <summary>What applies when the configuration says nothing.</summary>
    public static FilesDrillSettings Default { get; } = new(DrillSettings.Default.CheckTimeout, []);
}
