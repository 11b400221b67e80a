namespace Pitr.Operations.Errors;

/// <summary>The repository already holds other content under this name, or belongs to another cluster. Nothing was overwritten.</summary>
public sealed class ConflictException(string message, string? hint = null, Exception? inner = null) : OperationException(message, hint, inner);
