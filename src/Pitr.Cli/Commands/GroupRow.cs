namespace Pitr.Cli.Commands;

/// <summary>What becomes of one service of a group, or became of it.</summary>
/// <param name="Service">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Result">In a few words.</param>
sealed record GroupRow(string Service, string Kind, string Result)
{
    /// <summary>As an exit code.</summary>
    public int Code { get; init; }

    /// <summary>The backup; null when there is none.</summary>
    public string? Backup { get; init; }

    /// <summary>The moment whose state it has.</summary>
    public DateTimeOffset? Moment { get; init; }

    /// <summary>How much it is.</summary>
    public long Bytes { get; init; }

    /// <summary>What that added to the repository.</summary>
    public long? StoredBytes { get; init; }

    /// <summary>The reason, in words.</summary>
    public string Why { get; init; } = "";

    /// <summary>What went wrong.</summary>
    public string? Error { get; init; }

    /// <summary>What to do next about it.</summary>
    public string? Hint { get; init; }

    /// <summary>What repositories lack, in sentences.</summary>
    public IReadOnlyList<string> Owed { get; init; } = [];

    /// <summary>What is done or was done, in sentences.</summary>
    public IReadOnlyList<string> Steps { get; init; } = [];

    /// <summary>What somebody should know, in sentences.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>From its beginning to its end; null when it had none.</summary>
    public TimeSpan? Took { get; init; }
}
