namespace Pitr.Operations.Drill;

/// <summary>One thing that was looked at in the recovered cluster.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Passed">Whether it held.</param>
/// <param name="Detail">What was found, in words.</param>
public sealed record DrillCheck(string Name, bool Passed, string Detail);
