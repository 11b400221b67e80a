namespace Pitr.Operations.Errors;

/// <summary>A stored object is not what was written: damaged, truncated, swapped. The message names it.</summary>
public sealed class DamagedRepositoryException(string message, string? hint = null, Exception? inner = null) : OperationException(message, hint, inner);
