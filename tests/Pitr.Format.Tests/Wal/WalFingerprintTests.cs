using Pitr.Format.Wal;

namespace Pitr.Format.Tests.Wal;

public class WalFingerprintTests
{
    static readonly byte[] Content = Samples.Incompressible(100_000);

    [Fact]
    public void Equal_files_have_equal_fingerprints() =>
        Assert.Equal(
            WalFingerprint.Compute(Samples.SystemIdentifier, Samples.Segment, Content),
            WalFingerprint.Compute(Samples.SystemIdentifier, Samples.Segment, Content.ToArray()));

    [Fact]
    public void Another_cluster_name_or_bit_gives_another_fingerprint()
    {
        var original = WalFingerprint.Compute(Samples.SystemIdentifier, Samples.Segment, Content);
        var changed = Content.ToArray();
        changed[77_777] ^= 1;
        Assert.NotEqual(original, WalFingerprint.Compute(Samples.SystemIdentifier + 1, Samples.Segment, Content));
        Assert.NotEqual(original, WalFingerprint.Compute(Samples.SystemIdentifier, WalFileName.Parse("0000000100000000000000A2"), Content));
        Assert.NotEqual(original, WalFingerprint.Compute(Samples.SystemIdentifier, WalFileName.Parse("0000000200000000000000A1"), Content));
        Assert.NotEqual(original, WalFingerprint.Compute(Samples.SystemIdentifier, Samples.Segment, changed));
        Assert.NotEqual(original, WalFingerprint.Compute(Samples.SystemIdentifier, Samples.Segment, Content.AsSpan(0, 99_999)));
    }

    [Fact]
    public void Histories_are_the_same_for_every_cluster()
    {
        var history = WalFileName.Parse("00000002.history");
        Assert.Equal(WalFingerprint.Compute(1, history, Content), WalFingerprint.Compute(2, history, Content));
        var backup = WalFileName.Parse("000000010000000000000002.00000028.backup");
        Assert.Equal(WalFingerprint.Compute(1, backup, Content), WalFingerprint.Compute(2, backup, Content));
    }
}
