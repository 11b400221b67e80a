namespace Pitr.Operations.Repositories.Validation;

/// <summary>What was measured on the way. Null where a promise broke before.</summary>
public sealed record ValidationRates
{
    /// <summary>Half of the small puts (4 KiB, one after the other) took less.</summary>
    public TimeSpan? PutMedian { get; init; }

    /// <summary>19 of 20 small puts took less.</summary>
    public TimeSpan? PutSlow { get; init; }

    /// <summary>Half of the small gets took less.</summary>
    public TimeSpan? GetMedian { get; init; }

    /// <summary>19 of 20 small gets took less.</summary>
    public TimeSpan? GetSlow { get; init; }

    /// <summary>Bytes per second into the large object.</summary>
    public double? Upload { get; init; }

    /// <summary>Bytes per second out of the large object.</summary>
    public double? Download { get; init; }

    /// <summary>Puts of 64 KiB per second, 16 at once.</summary>
    public double? PutsPerSecond { get; init; }

    /// <summary>Gets of 64 KiB per second, 16 at once.</summary>
    public double? GetsPerSecond { get; init; }
}
