namespace Pitr.Operations.Repositories;

/// <summary>How copying one object ended, where it did not fail.</summary>
/// <param name="Key">The object.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Bytes">Its size in the source.</param>
public sealed record ObjectCopyResult(string Key, ObjectCopyOutcome Outcome, long Bytes);
