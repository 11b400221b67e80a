namespace Pitr.Operations.Errors;

/// <summary>A key is missing: no identity at hand, or neither copy of a data key document could be read.</summary>
public sealed class KeyUnavailableException(string message, string? hint = null, Exception? inner = null) : OperationException(message, hint, inner);
