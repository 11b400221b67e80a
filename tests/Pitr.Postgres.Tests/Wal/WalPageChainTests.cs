using Pitr.Format.Wal;
using Pitr.Postgres.Tests.Servers;
using Pitr.Postgres.Wal;

namespace Pitr.Postgres.Tests.Wal;

/// <summary>The chain in the first page of a segment of every supported version. Damaged ones and neighbours are tried where archives are verified.</summary>
public class WalPageChainTests
{
    [Theory]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    public void A_servers_page_hangs_together_and_with_one_that_fits_only(int major)
    {
        var segment = Golden.Read($"wal-segment-{major}");
        var header = WalSegmentHeader.Parse(segment);

        var whole = WalPageChain.Follow(segment, header);

        Assert.Null(whole.Break);
        Assert.NotNull(whole.LastRecord);
        Assert.Null(whole.MismatchAfter(whole with { TailRemaining = whole.HeadRemaining, LastRecord = whole.FirstPrevious }));
        Assert.NotNull(whole.MismatchAfter(whole with { TailRemaining = whole.HeadRemaining + 8, LastRecord = whole.FirstPrevious }));
        Assert.NotNull(whole.MismatchAfter(whole with { TailRemaining = whole.HeadRemaining, LastRecord = new Lsn(7) }));
    }
}
