namespace Pitr.ArchiveCommand.Tests;

public sealed class PeerTrustTests
{
    [Theory]
    [InlineData(110, 110, true)]
    [InlineData(0, 110, true)]
    [InlineData(0, 0, true)]
    [InlineData(111, 110, false)]
    [InlineData(110, 0, false)]
    [InlineData(65534, 110, false)]
    public void Only_the_own_user_and_root_are_believed(uint peer, uint own, bool trusted) =>
        Assert.Equal(trusted, PeerTrust.IsTrusted(peer, own));
}
