namespace Pitr.Operations.Errors;

/// <summary>
/// Base of every failure an operation reports on purpose: what happened, to which thing, and what to do next.
/// The command line maps the concrete type to an exit code (docs/exit-codes.md); nothing below it exits.
/// </summary>
/// <param name="message">What happened; lower-case first letter, names the thing, both values of a mismatch.</param>
/// <param name="hint">The next step for the person reading it, or null when the message already says it.</param>
/// <param name="inner">The cause, when another error led here.</param>
public abstract class OperationException(string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The next step, or null.</summary>
    public string? Hint { get; } = hint;
}
