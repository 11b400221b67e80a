using Pitr.Format.Catalog;
using Pitr.Operations.Files.Journal;

namespace Pitr.Operations.Tests.Files.Journal;

/// <summary>Which parts of the journal a backup takes over, and which become one.</summary>
public sealed class JournalPartsTests
{
    static readonly DateTimeOffset Beginning = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(15, 1000)]
    [InlineData(60, 1000)]
    [InlineData(60, 12 << 20)]
    [InlineData(24 * 60, 1000)]
    public void Their_number_is_bounded_and_nothing_that_is_to_be_kept_goes(int minutes, int bytes)
    {
        var keep = TimeSpan.FromDays(90);
        IReadOnlyList<JournalPart> parts = [];
        var (most, stored) = (0, 0L);
        for (var backup = 1; backup * minutes < TimeSpan.FromDays(400).TotalMinutes; backup++)
        {
            var now = Beginning.AddMinutes(backup * minutes);
            var groups = JournalParts.Plan(parts, now, keep);
            stored += groups.Where(group => group.Count > 1).Sum(group => group.Sum(part => part.Bytes));
            parts =
            [
                .. groups.Select(group => new JournalPart("", group[0].Number, group.Sum(p => p.Backups), group.Sum(p => p.Entries), group.Sum(p => p.Bytes), group.Min(p => p.First), group.Max(p => p.Last))),
                new JournalPart("", backup, 1, 1, bytes, now.AddMinutes(-minutes), now),
            ];
            most = Math.Max(most, parts.Count);
            for (var i = 1; i < parts.Count; i++)
            {
                Assert.Equal(parts[i - 1].Number + parts[i - 1].Backups, parts[i].Number);
            }

            // All that is younger is there, and what is much older is not.
            Assert.True(parts[0].First <= now - keep || parts[0].Number == 1);
            Assert.True(parts[0].First >= now - (keep * 1.25) - TimeSpan.FromMinutes(minutes));
        }

        var whole = 90 * 24 * 60 / minutes;
        Assert.InRange(most, 1, Math.Min(whole + 2, 130 + (int)((long)whole * bytes / (8 << 20) * 1.3)));
        // Each entry is stored a few times at most.
        Assert.InRange(stored, 0, 4L * bytes * (int)(TimeSpan.FromDays(400).TotalMinutes / minutes));
    }

    [Fact]
    public void A_large_part_stays_as_it_is()
    {
        var parts = Enumerable.Range(1, 40).Select(n => Part(n, n == 20 ? JournalParts.Largest : 10)).ToList();

        var groups = JournalParts.Plan(parts, Beginning, TimeSpan.FromDays(90));

        Assert.Single(groups, group => group.Count == 16);
        Assert.Contains(groups, group => group is [{ Number: 20 }]);
        Assert.Equal(parts, groups.SelectMany(group => group));
    }

    static JournalPart Part(int number, long bytes) => new("", number, 1, 1, bytes, Beginning.AddSeconds(number), Beginning.AddSeconds(number + 1));
}
