using Pitr.Operations.Restore;

namespace Pitr.Operations.Extract;

/// <summary>How something is taken out of the past; what can be seen without restoring was found to be possible.</summary>
/// <param name="Restore">How the service is recovered.</param>
/// <param name="Names">What is taken.</param>
/// <param name="Programs">Paths of PostgreSQL's programs that do it, by name.</param>
public sealed record ExtractPlan(RestorePlan Restore, DumpNames Names, IReadOnlyDictionary<string, string> Programs);
