namespace Pitr.Operations.Errors;

/// <summary>A repository did not give an answer that can be trusted: unreachable, refusing, not initialised.</summary>
public sealed class RepositoryUnavailableException(string message, string? hint = null, Exception? inner = null) : OperationException(message, hint, inner);
