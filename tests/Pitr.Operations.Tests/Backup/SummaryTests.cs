using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Postgres.Pages;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Tests.Backup;

/// <summary>What is made of the WAL summaries of a server.</summary>
public sealed class SummaryTests
{
    const int PagesPerFile = 131072;
    const uint Default = 1663;

    static readonly Timeline One = new(1);

    static WalSummaryRange Summary(ulong start, ulong end, uint timeline = 1) => new(new Timeline(timeline), new Lsn(start), new Lsn(end));

    static SummaryCover Cover(ulong from, ulong to, params WalSummaryRange[] available) => SummaryCover.Find(available, One, new Lsn(from), new Lsn(to));

    [Fact]
    public void A_range_is_covered_by_summaries_that_follow_one_another_or_overlap_in_any_order()
    {
        WalSummaryRange[] available = [Summary(30, 50), Summary(10, 20), Summary(15, 30), Summary(50, 60), Summary(1, 10)];

        var cover = Cover(12, 50, available);

        Assert.Equal(new Lsn(50), cover.End);
        Assert.Equal([Summary(10, 20), Summary(15, 30), Summary(30, 50)], cover.Summaries);
        Assert.Equal(new Lsn(60), Cover(12, 51, available).End);
        Assert.Empty(Cover(60, 60, available).Summaries);
    }

    [Fact]
    public void Gaps_are_found_at_the_beginning_between_and_at_the_end()
    {
        Assert.Equal(new Lsn(9), Cover(9, 30, Summary(10, 20), Summary(20, 30)).End);
        Assert.Equal(new Lsn(20), Cover(10, 40, Summary(10, 20), Summary(21, 40)).End);
        Assert.Equal(new Lsn(30), Cover(10, 31, Summary(10, 20), Summary(20, 30)).End);
        Assert.Equal(new Lsn(10), Cover(10, 30).End);
    }

    [Fact]
    public void Summaries_of_other_timelines_do_not_count()
    {
        var cover = Cover(10, 40, Summary(10, 20), Summary(20, 40, timeline: 2), Summary(30, 40));

        Assert.Equal(new Lsn(20), cover.End);
        Assert.Equal([Summary(10, 20), Summary(30, 40)], cover.Summaries);
    }

    static ChangedRelations Changed(params WalSummaryBlock[] blocks)
    {
        var changed = new ChangedRelations();
        foreach (var block in blocks)
        {
            changed.Add(block);
        }

        return changed;
    }

    static WalSummaryBlock Block(uint block, uint relation = 16384, uint database = 5, uint tablespace = Default) => new(tablespace, database, relation, block, false);

    static WalSummaryBlock Limit(uint block, uint relation = 16384, uint database = 5, uint tablespace = Default) => new(tablespace, database, relation, block, true);

    static ChangedPages Of(ChangedRelations changed, string path, int pagesPerFile = PagesPerFile) =>
        RelationFileName.TryParse(path, out var name) ? changed.Of(name, pagesPerFile) : throw new InvalidOperationException(path);

    static long[] Pages(ChangedPages changed, long end) => [.. Enumerable.Range(0, (int)end).Select(n => (long)n).Where(changed.Contains)];

    [Fact]
    public void Blocks_of_several_summaries_come_together()
    {
        var pages = Of(Changed(Block(3), Block(70000), Block(1), Block(3), Block(65535), Block(65536)), "base/5/16384");

        Assert.Equal([1L, 3, 65535, 65536, 70000], Pages(pages, PagesPerFile));
        Assert.Equal(3, pages.FirstChanged(2, 100));
        Assert.Equal(100, pages.FirstChanged(4, 100));
        Assert.Equal(65535, pages.FirstChanged(4, PagesPerFile));
        Assert.Equal(PagesPerFile, pages.FirstChanged(70001, PagesPerFile));
        Assert.Empty(Pages(Of(Changed(Block(3)), "base/5/16385"), 10));
    }

    [Fact]
    public void From_the_lowest_limit_on_everything_has_changed_whenever_it_was_set()
    {
        Assert.Equal([2L, 5, 6, 7, 8, 9], Pages(Of(Changed(Block(2), Block(9), Limit(5), Limit(7)), "base/5/16384"), 10));
        Assert.Equal([2L, 5, 6, 7, 8, 9], Pages(Of(Changed(Limit(7), Limit(5), Block(9), Block(2)), "base/5/16384"), 10));
        Assert.Equal([0L, 1, 2], Pages(Of(Changed(Block(1), Limit(0), Block(2)), "base/5/16384"), 3));
        Assert.Equal(5, Of(Changed(Limit(5)), "base/5/16384").FirstChanged(0, 10));
        Assert.Equal(8, Of(Changed(Limit(5)), "base/5/16384").FirstChanged(8, 10));
        // A file that is shorter now than its limit has nothing that changed.
        Assert.Equal(4, Of(Changed(Limit(5)), "base/5/16384").FirstChanged(0, 4));
    }

    [Fact]
    public void Each_file_of_a_large_relation_has_its_own_part()
    {
        var changed = Changed(Block(0), Block(PagesPerFile - 1), Block(PagesPerFile), Block((2 * PagesPerFile) + 7), Limit((3 * PagesPerFile) + 4));

        Assert.Equal([0L, PagesPerFile - 1], Pages(Of(changed, "base/5/16384"), PagesPerFile));
        Assert.Equal([0L], Pages(Of(changed, "base/5/16384.1"), PagesPerFile));
        Assert.Equal([7L], Pages(Of(changed, "base/5/16384.2"), PagesPerFile));
        Assert.Equal([4L, 5], Pages(Of(changed, "base/5/16384.3"), 6));
        Assert.Equal([0L, 1, 2], Pages(Of(changed, "base/5/16384.4"), 3));
        Assert.Equal([7L], Pages(Of(Changed(Block(23)), "base/5/16384.1", 16), 16));
    }

    [Fact]
    public void A_relation_is_that_of_its_tablespace_and_database()
    {
        var changed = Changed(Block(1), Block(2, database: 6), Block(3, tablespace: 16390), Block(4, 1262, 0, 1664));

        Assert.Equal([1L], Pages(Of(changed, "base/5/16384"), 9));
        Assert.Equal([2L], Pages(Of(changed, "base/6/16384"), 9));
        Assert.Equal([3L], Pages(Of(changed, "pg_tblspc/16390/PG_17_202406281/5/16384"), 9));
        Assert.Equal([4L], Pages(Of(changed, "global/1262"), 9));
    }

    [Fact]
    public void A_database_that_was_made_or_dropped_has_changed_wholly_in_that_tablespace()
    {
        var changed = Changed(Limit(0, relation: 0), Block(1, database: 6));

        Assert.Equal([0L, 1, 2], Pages(Of(changed, "base/5/16384"), 3));
        Assert.Equal([0L, 1, 2], Pages(Of(changed, "base/5/2619"), 3));
        Assert.Equal([1L], Pages(Of(changed, "base/6/16384"), 3));
        Assert.Empty(Pages(Of(changed, "pg_tblspc/16390/PG_17_202406281/5/16384"), 3));
    }

    [Fact]
    public void Many_blocks_are_what_a_set_says()
    {
        var random = new Random(5);
        var blocks = new ChangedBlocks();
        var expected = new HashSet<long>();
        for (var n = 0; n < 60000; n++)
        {
            // Some parts become bitmaps, some stay lists.
            var block = random.Next(10) == 0 ? random.Next(400000) : random.Next(65000, 68000);
            blocks.Add((uint)block);
            expected.Add(block);
        }

        blocks.LowerTo(390000);
        for (var (at, end) = (0L, 400000L); ; at++)
        {
            var found = blocks.FirstChanged(at, end);
            for (; at < found; at++)
            {
                Assert.DoesNotContain(at, expected);
            }

            if (found == 390000)
            {
                break;
            }

            Assert.Contains(found, expected);
        }

        Assert.True(blocks.Bytes < 200000, $"{blocks.Bytes} bytes");
    }

    [Fact]
    public void Memory_is_bounded_and_what_does_not_fit_counts_as_changed()
    {
        var changed = new ChangedRelations(2000);
        for (var n = 0U; n < 2000; n++)
        {
            changed.Add(Block(n * 2, relation: 1));
        }

        changed.Add(Block(3, relation: 2));
        Assert.Equal([0L, 1, 2], Pages(Of(changed, "base/5/1"), 3));
        Assert.Equal([3L], Pages(Of(changed, "base/5/2"), 9));
        Assert.False(changed.IsFull);
        for (var n = 0U; n < 100; n++)
        {
            changed.Add(Block(3, relation: 3 + n));
        }

        Assert.True(changed.IsFull);
    }
}
