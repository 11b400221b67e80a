namespace Pitr.Operations.Errors;

/// <summary>What was asked for cannot be done from what is stored: no such moment, missing WAL, a directory that is not empty.</summary>
public sealed class ImpossiblePlanException(string message, string? hint = null, Exception? inner = null) : OperationException(message, hint, inner);
