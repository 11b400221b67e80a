namespace Pitr.Operations.Errors;

/// <summary>The input is not what the operation takes: a WAL file of another cluster, a wrong name, a file that cannot be read.</summary>
public sealed class RefusedInputException(string message, string? hint = null, Exception? inner = null) : OperationException(message, hint, inner);
