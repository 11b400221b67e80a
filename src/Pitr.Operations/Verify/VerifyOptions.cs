using Pitr.Format.Wal;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Verify;

/// <summary>What of a service is read back. What is there at all, and whether anything is missing, is looked at always.</summary>
public sealed record VerifyOptions
{
    /// <summary>At most so many packs and so many segments of each repository, chosen at random; null for all.</summary>
    public int? Sample { get; init; }

    /// <summary>Which share of the packs and of the segments, above 0 to 1, when <see cref="Sample"/> is null; null for all.</summary>
    public double? Share { get; init; }

    /// <summary>Backups that ended at this position or later, and segments from it on; null for no bound.</summary>
    public Lsn? SinceLsn { get; init; }

    /// <summary>Backups that ended at this moment or later, and segments from it on; null for no bound.</summary>
    public DateTimeOffset? SinceTime { get; init; }

    /// <summary>What was verified longer ago is read again; null: as the service's configuration says.</summary>
    public TimeSpan? Stale { get; init; }

    /// <summary>Whether everything is read, whenever it was verified last.</summary>
    public bool All { get; init; }

    /// <summary>How many objects at once, 1 or more.</summary>
    public int Jobs { get; init; } = 4;

    /// <summary>Chooses samples.</summary>
    public required Random Random { get; init; }

    /// <summary>What was verified before this moment is read again.</summary>
    /// <param name="now">The present.</param>
    /// <param name="configured">Of the service.</param>
    public DateTimeOffset FreshSince(DateTimeOffset now, VerifySettings configured)
    {
        ArgumentNullException.ThrowIfNull(configured);
        var stale = Stale ?? configured.Stale;
        return All ? DateTimeOffset.MaxValue : now - DateTimeOffset.MinValue > stale ? now - stale : DateTimeOffset.MinValue;
    }
}
