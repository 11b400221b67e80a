namespace Pitr.Operations.Errors;

/// <summary>Somebody else holds the lock this work needs.</summary>
public sealed class BusyException(string message, string? hint = null, Exception? inner = null) : OperationException(message, hint, inner);
