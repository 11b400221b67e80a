namespace Pitr.Operations.Extract;

/// <summary>What came of an extract.</summary>
public sealed record ExtractReport
{
    /// <summary>The database it was taken from.</summary>
    public required string Database { get; init; }

    /// <summary>Every relation in it, but for the sequences of columns, which belong to their tables.</summary>
    public required IReadOnlyList<ExtractedRelation> Relations { get; init; }

    /// <summary>What was left out on the way into a new schema, in words.</summary>
    public required IReadOnlyList<string> LeftOut { get; init; }

    /// <summary>Time of the last transaction that was recovered; null when none was replayed.</summary>
    public required DateTimeOffset? LastRecoveredCommit { get; init; }

    /// <summary>Bytes of the dump.</summary>
    public required long DumpBytes { get; init; }

    /// <summary>How long each part took: plan, fetch (files), replay (WAL), start, dump.</summary>
    public required IReadOnlyList<ExtractPhase> Phases { get; init; }
}
