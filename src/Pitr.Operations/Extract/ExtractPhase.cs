namespace Pitr.Operations.Extract;

/// <summary>One timed part of an extract.</summary>
/// <param name="Name">plan, fetch, replay, start or dump.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record ExtractPhase(string Name, double Seconds);
