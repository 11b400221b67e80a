namespace Pitr.Format.Catalog;

/// <summary>How many of something a stream of a dump should hold, as the server said. A server that is written to may hold another number at the moment of the dump.</summary>
/// <param name="Name">What is counted, e.g. "tables" or "keys in db0".</param>
/// <param name="Before">Number just before the dump of the stream began; at least 0.</param>
/// <param name="After">Number just after it had ended; at least 0.</param>
/// <param name="Expiring">So many of <paramref name="Before"/> or <paramref name="After"/>, whichever are more, may be gone by themselves by now; null: none.</param>
public sealed record DumpCount(string Name, long Before, long After, long? Expiring = null);
