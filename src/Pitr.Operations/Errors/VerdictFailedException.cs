namespace Pitr.Operations.Errors;

/// <summary>The work ran to its end and its verdict is negative: a check failed, a drill missed its objective.</summary>
public sealed class VerdictFailedException(string message, string? hint = null, Exception? inner = null) : OperationException(message, hint, inner);
