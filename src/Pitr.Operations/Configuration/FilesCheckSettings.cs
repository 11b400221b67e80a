namespace Pitr.Operations.Configuration;

/// <summary>An entry of <c>drill.checks</c> of a service of kind files: what a drill looks at in the restored tree.</summary>
/// <param name="Name">The name given to it.</param>
public abstract record FilesCheckSettings(string Name);
