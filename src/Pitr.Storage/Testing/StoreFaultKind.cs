namespace Pitr.Storage.Testing;

/// <summary>What a <see cref="StoreFault"/> does.</summary>
enum StoreFaultKind
{
    FailBefore,
    FailAfter,
    CutRead,
    TruncateRead,
    FlipBit,
    StallRead,
    CutListing,
    Hold,
    HoldAfter,
}
