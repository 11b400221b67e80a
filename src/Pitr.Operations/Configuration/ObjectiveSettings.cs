namespace Pitr.Operations.Configuration;

/// <summary>The <c>objectives</c> section of a service: what a drill is held against.</summary>
/// <param name="Rpo">Recovery point objective: the most committed work, in time, that may be lost. Default 5 minutes.</param>
/// <param name="Rto">Recovery time objective: the longest a recovery may take until connections are accepted. Default 15 minutes.</param>
public sealed record ObjectiveSettings(TimeSpan Rpo, TimeSpan Rto)
{
    /// <summary>What applies when the configuration says nothing.</summary>
    public static ObjectiveSettings Default { get; } = new(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15));
}
