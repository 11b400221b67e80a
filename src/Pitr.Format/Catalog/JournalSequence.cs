namespace Pitr.Format.Catalog;

/// <summary>How far the entries of a journal that are numbered together are stored.</summary>
/// <param name="Id">The numbering, as cursors name it.</param>
/// <param name="Last">The highest number that is stored.</param>
/// <param name="Time">The latest time of a stored entry, in microseconds since 1970.</param>
public sealed record JournalSequence(string Id, long Last, long Time);
