using Pitr.Operations.Restore;

namespace Pitr.Operations.Drill;

/// <summary>What a drill recovers to.</summary>
/// <param name="Recovery">What was asked for.</param>
/// <param name="RandomSeed">Chooses a moment of the recovery window instead of the target asked for; null: the target asked for.</param>
public sealed record DrillRequest(RestoreRequest Recovery, int? RandomSeed = null);
