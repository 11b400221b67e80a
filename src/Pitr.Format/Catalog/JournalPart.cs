namespace Pitr.Format.Catalog;

/// <summary>A file of a backup that holds entries of the systemd journal, in the journal's export format.</summary>
/// <param name="Path">Absolute, below the directory that stands for the journal.</param>
/// <param name="Number">Counts the backups that added entries, from 1; of a part that was put together out of several, the first of theirs.</param>
/// <param name="Backups">How many backups' entries it holds; at least 1.</param>
/// <param name="Entries">How many entries it holds; at least 1.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="First">Time of its earliest entry.</param>
/// <param name="Last">Time of its latest entry.</param>
public sealed record JournalPart(string Path, int Number, int Backups, long Entries, long Bytes, DateTimeOffset First, DateTimeOffset Last);
