namespace Pitr.Operations.Groups;

/// <summary>One service of a group whose restore is prepared.</summary>
/// <param name="Restore">What restores it.</param>
/// <param name="Plan">How.</param>
public sealed record GroupComponent(IComponentRestore Restore, ComponentPlan Plan);
