namespace Pitr.Operations.Drill;

/// <summary>One timed part of a drill.</summary>
/// <param name="Name">plan, fetch, replay, start or check; of a dump plan, make, restore, start or check; of files plan, restore or check.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record DrillPhase(string Name, double Seconds);
