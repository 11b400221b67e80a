namespace Pitr.Operations.Errors;

/// <summary>The work failed, for the reason that is the inner exception, and what it had changed was put back as far as the message says.</summary>
public sealed class RolledBackException(string message, string? hint, Exception cause) : OperationException(message, hint, cause);
