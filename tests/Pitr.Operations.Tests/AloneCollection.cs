namespace Pitr.Operations.Tests;

/// <summary>Tests that measure the whole process run while no other test does.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public class AloneCollection;
