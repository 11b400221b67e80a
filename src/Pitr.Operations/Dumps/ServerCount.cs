namespace Pitr.Operations.Dumps;

/// <summary>How many of something a server has.</summary>
/// <param name="Name">What is counted, e.g. "tables" or "keys in db0".</param>
/// <param name="Number">How many.</param>
/// <param name="Expiring">So many of them may go by themselves at any time.</param>
public sealed record ServerCount(string Name, long Number, long Expiring = 0);
