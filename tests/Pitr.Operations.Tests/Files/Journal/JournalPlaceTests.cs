using Pitr.Format.Catalog;
using Pitr.Operations.Files.Journal;

namespace Pitr.Operations.Tests.Files.Journal;

/// <summary>Where parts of the journal may lie.</summary>
public sealed class JournalPlaceTests
{
    static readonly DateTimeOffset Time = new(2026, 11, 22, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void A_part_is_named_after_its_number_and_its_times()
    {
        var path = JournalPlace.PathOf(7, Time, Time.AddHours(1));

        Assert.Equal("systemd-journal/000007_20261122T030405Z_20261122T040405Z.export", path);
        Assert.True(JournalPlace.IsPart(new JournalPart("/" + path, 7, 1, 1, 1, Time, Time)));
        Assert.False(JournalPlace.IsPart(new JournalPart("/" + path, 0, 1, 1, 1, Time, Time)));
        Assert.False(JournalPlace.IsPart(new JournalPart("/" + path, 1, int.MaxValue, 1, 1, Time, Time)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc/cron.d/x")]
    [InlineData("/systemd-journal/.export")]
    [InlineData("/systemd-journal/../etc/000001.export")]
    [InlineData("/systemd-journal/1/2.export")]
    [InlineData("/systemd-journal/1\n.export")]
    [InlineData("systemd-journal/1.export")]
    public void Nothing_else_is_one(string path) => Assert.False(JournalPlace.IsPart(new JournalPart(path, 1, 1, 1, 1, Time, Time)));
}
