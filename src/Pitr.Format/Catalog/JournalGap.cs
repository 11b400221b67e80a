namespace Pitr.Format.Catalog;

/// <summary>Entries of the systemd journal may be missing here: the last one that was stored was no longer in the journal.</summary>
/// <param name="Backup">The backup that found it.</param>
/// <param name="After">Time of the last entry before it; null when it is not known.</param>
/// <param name="Before">Time of the first entry after it; null when there was none yet.</param>
public sealed record JournalGap(string Backup, DateTimeOffset? After, DateTimeOffset? Before);
