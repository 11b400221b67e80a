using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.Postgres.Tests.Cluster;

public class BackupLabelTests
{
    const string Label = """
        START WAL LOCATION: 0/2000028 (file 000000010000000000000002)
        CHECKPOINT LOCATION: 0/2000060
        BACKUP METHOD: streamed
        BACKUP FROM: primary
        START TIME: 2026-11-21 09:10:00 UTC
        LABEL: pitr: main
        START TIMELINE: 1

        """;

    const string History = """
        START WAL LOCATION: 0/2000028 (file 000000010000000000000002)
        STOP WAL LOCATION: 0/4000100 (file 000000010000000000000004)
        CHECKPOINT LOCATION: 0/2000060
        BACKUP METHOD: streamed
        BACKUP FROM: standby
        START TIME: 2026-11-21 09:10:00 +09
        LABEL: pitr: main
        START TIMELINE: 1
        STOP TIME: 2026-11-21 09:11:00 JST
        STOP TIMELINE: 1

        """;

    [Fact]
    public void Reads_a_label()
    {
        Assert.Equal(
            new BackupLabel(
                Lsn.Parse("0/2000028"),
                WalSegmentName.Parse("000000010000000000000002"),
                Lsn.Parse("0/2000060"),
                new Timeline(1),
                "pitr: main",
                "primary",
                "2026-11-21 09:10:00 UTC",
                new DateTimeOffset(2026, 11, 21, 9, 10, 0, TimeSpan.Zero)),
            BackupLabel.Parse(Label));
    }

    [Fact]
    public void Reads_a_history_and_does_not_guess_zones()
    {
        var history = BackupHistory.Parse(History);

        Assert.Equal("standby", history.BackupFrom);
        Assert.Equal(new DateTimeOffset(2026, 11, 21, 9, 10, 0, TimeSpan.FromHours(9)), history.StartTime);
        Assert.Equal(Lsn.Parse("0/4000100"), history.StopLsn);
        Assert.Equal(WalSegmentName.Parse("000000010000000000000004"), history.StopWal);
        Assert.Equal(new Timeline(1), history.StopTimeline);
        Assert.Equal("2026-11-21 09:11:00 JST", history.StopTimeText);
        Assert.Null(history.StopTime);
    }

    [Theory]
    [InlineData("START WAL LOCATION")]
    [InlineData("CHECKPOINT LOCATION")]
    [InlineData("BACKUP FROM")]
    [InlineData("START TIME")]
    [InlineData("LABEL")]
    [InlineData("START TIMELINE")]
    public void Names_the_line_that_is_missing_or_malformed(string name)
    {
        var lines = Label.Split('\n');
        var without = string.Join('\n', lines.Where(line => !line.StartsWith($"{name}:", StringComparison.Ordinal)));
        var missing = Assert.Throws<FormatException>(() => BackupLabel.Parse(without));
        Assert.Contains($"\"{name}: …\"", missing.Message, StringComparison.Ordinal);

        if (name is "START WAL LOCATION" or "CHECKPOINT LOCATION" or "START TIMELINE")
        {
            var garbled = string.Join('\n', lines.Select(line => line.StartsWith($"{name}:", StringComparison.Ordinal) ? $"{name}: x" : line));
            var malformed = Assert.Throws<FormatException>(() => BackupLabel.Parse(garbled));
            Assert.Contains($"\"{name}: x\"", malformed.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Throws_nothing_but_FormatException_on_any_damage()
    {
        var random = new Random(1);
        for (var round = 0; round < 20_000; round++)
        {
            var text = History.ToCharArray();
            for (var change = random.Next(1, 6); change > 0; change--)
            {
                text[random.Next(text.Length)] = (char)random.Next(32, 300);
            }

            try
            {
                _ = BackupHistory.Parse(new string(text));
            }
            catch (FormatException)
            {
                // The one answer allowed besides acceptance.
            }
        }
    }
}
