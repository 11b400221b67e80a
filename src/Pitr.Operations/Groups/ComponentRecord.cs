namespace Pitr.Operations.Groups;

/// <summary>What the journal of a group's restore knows of one service: enough to bring back what was there.</summary>
public sealed record ComponentRecord
{
    /// <summary>The service.</summary>
    public required string Service { get; init; }

    /// <summary>Its kind.</summary>
    public required string Kind { get; init; }

    /// <summary>The backup that is restored.</summary>
    public required string Backup { get; init; }

    /// <summary>How far it has come.</summary>
    public required ComponentPhase Phase { get; init; }

    /// <summary>Of its own restore in place, which has a journal of its own; null for kinds without one.</summary>
    public string? InPlaceId { get; init; }

    /// <summary>Whether the server may go on by itself with what it had been sent, although the one who sent it has ended.</summary>
    public bool MayGoOn { get; init; }

    /// <summary>What is replaced, in order; empty for kinds with a journal of their own.</summary>
    public IReadOnlyList<ComponentMove> Moves { get; init; } = [];
}
