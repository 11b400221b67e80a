namespace Pitr.Format.Catalog;

/// <summary>What a backup of kind files holds of the systemd journal.</summary>
public sealed record JournalRecord
{
    static readonly JournalPart[] NoParts = [];
    static readonly JournalSequence[] NoSequences = [];
    static readonly JournalGap[] NoGaps = [];
    static readonly string[] NoMessages = [];

    /// <summary>The journal's cursor of the last entry that was read: the next backup begins behind it. Null when none was read yet.</summary>
    public string? Cursor { get; init; }

    /// <summary>Entries in all parts.</summary>
    public long Entries { get; init; }

    /// <summary>Entries that this backup added.</summary>
    public long Added { get; init; }

    /// <summary>Files that hold the entries, in the order in which they were read.</summary>
    // Generated readers set a missing member to null, past the initializer.
    public IReadOnlyList<JournalPart> Parts { get; init => field = value ?? NoParts; } = NoParts;

    /// <summary>How far each numbering of entries is stored, the one that was stored last at the end.</summary>
    public IReadOnlyList<JournalSequence> Sequences { get; init => field = value ?? NoSequences; } = NoSequences;

    /// <summary>Where entries may be missing.</summary>
    public IReadOnlyList<JournalGap> Gaps { get; init => field = value ?? NoGaps; } = NoGaps;

    /// <summary>The last lines that journalctl wrote to its standard error.</summary>
    public IReadOnlyList<string> Messages { get; init => field = value ?? NoMessages; } = NoMessages;
}
