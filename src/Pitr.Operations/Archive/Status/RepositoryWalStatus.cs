using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Status;

/// <summary>How far one repository has come.</summary>
/// <param name="Name">The repository.</param>
/// <param name="Unanswered">Why it could not be asked; null when it was.</param>
/// <param name="Newest">The newest whole segment it holds; null when it holds none, or was not asked.</param>
/// <param name="Stored">When that was stored, by the repository's clock.</param>
/// <param name="Owed">How many objects it lacks although they are acknowledged, as far as this host knows.</param>
/// <param name="OwedSince">Since when; null when nothing is owed.</param>
public sealed record RepositoryWalStatus(string Name, string? Unanswered, WalSegmentName? Newest, DateTimeOffset? Stored, int Owed, DateTimeOffset? OwedSince)
{
    /// <summary>The timeline of the newest WAL it holds; null when it holds none, or was not asked.</summary>
    public Timeline? Timeline { get; init; }

    /// <summary>Position behind the last byte that was streamed of the segment after <see cref="Newest"/>; null when nothing was.</summary>
    public Lsn? StreamedTo { get; init; }

    /// <summary>When that was stored, by the repository's clock.</summary>
    public DateTimeOffset? Streamed { get; init; }

    /// <summary>The first segment of the unbroken run that ends with <see cref="Newest"/>, as far as it was looked at.</summary>
    public WalSegmentName? UnbrokenFrom { get; init; }

    /// <summary>Position behind the last byte it holds; null when it holds nothing, or was not asked.</summary>
    /// <param name="size">The cluster's segment size.</param>
    public Lsn? EndLsn(WalSegmentSize size) => StreamedTo ?? (Newest is { } segment ? segment.StartLsn(size) + (ulong)size.Bytes : null);
}
