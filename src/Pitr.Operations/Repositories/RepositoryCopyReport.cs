namespace Pitr.Operations.Repositories;

/// <summary>What a copy did.</summary>
public sealed record RepositoryCopyReport
{
    /// <summary>Id of the destination; null in a dry run that would make it a repository.</summary>
    public required string? DestinationId { get; init; }

    /// <summary>Whether the destination was made a repository.</summary>
    public required bool Initialised { get; init; }

    /// <summary>Objects copied, or that would be.</summary>
    public required long Copied { get; init; }

    /// <summary>Their bytes.</summary>
    public required long CopiedBytes { get; init; }

    /// <summary>Objects that were there before.</summary>
    public required long Present { get; init; }

    /// <summary>Objects of which only structure and digest were checked, because no key here opens them.</summary>
    public required long Unauthenticated { get; init; }

    /// <summary>Why that was so for one of them; null when there are none.</summary>
    public required string? UnauthenticatedReason { get; init; }

    /// <summary>Backups that can be restored from the destination now and could not before: SERVICE/ID.</summary>
    public required IReadOnlyList<string> Backups { get; init; }

    /// <summary>Backups whose entry was held back because a part of them could not be brought: SERVICE/ID.</summary>
    public required IReadOnlyList<string> HeldBack { get; init; }

    /// <summary>Objects that were not copied.</summary>
    public required long Failed { get; init; }

    /// <summary>The first of them, with the reason.</summary>
    public required IReadOnlyList<ObjectFailure> Failures { get; init; }
}
