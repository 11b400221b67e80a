namespace Pitr.Format.Catalog;

/// <summary>Entries of the systemd journal may be missing here: the last one that was stored was no longer in the journal.</summary>
/// <param name="Backup">The backup that found it.</param>
public sealed record JournalGap(string Backup)
{
    /// <summary>Time of the last entry before it; null when it is not known.</summary>
    public DateTimeOffset? After { get; init; }

    /// <summary>Time of the first entry after it; null when there was none yet.</summary>
    public DateTimeOffset? Before { get; init; }
}
