using Pitr.Operations.Drill;

namespace Pitr.Operations.Tests.Drill;

public class RowCountsTests
{
    static readonly TableRows[] Now = [new("shop", "public.orders", 120), new("shop", "public.events", 0), new("shop", "public.fresh", 5), new("ledger", "public.entries", 7)];

    [Fact]
    public void Tables_stand_beside_what_they_had_and_those_that_lost_everything_are_named()
    {
        var earlier = Earlier(
            new("shop", "public.orders", 100), new("shop", "public.events", 9), new("shop", "public.gone", 1234), new("ledger", "public.entries", 7), new("shop", "public.empty_before", 0));

        var (counts, warnings) = RowCounts.Compare(Now, _ => true, earlier, names: true);

        Assert.Equal((4, 132L, earlier.Id), (counts.Tables, counts.Rows, counts.ComparedWith));
        Assert.Equal([("public.orders", 120L, 100L), ("public.entries", 7, 7), ("public.fresh", 5, null), ("public.events", 0, (long?)9)], counts.Largest.Select(t => (t.Table, t.Rows, t.Before)));
        Assert.Equal(
            [
                $"table public.gone of database shop is gone; it had 1,234 rows in drill {earlier.Id}",
                $"table public.empty_before of database shop is gone; it had 0 rows in drill {earlier.Id}",
                $"table public.events of database shop is empty; it had 9 rows in drill {earlier.Id}",
            ],
            warnings);
    }

    [Fact]
    public void What_could_not_be_looked_at_is_not_called_gone()
    {
        var (_, warnings) = RowCounts.Compare(Now, table => table.Database != "broken", Earlier(new TableRows("broken", "public.t", 5)), names: true);

        Assert.Empty(warnings);
    }

    [Fact]
    public void Without_an_earlier_drill_nothing_is_compared()
    {
        var (counts, warnings) = RowCounts.Compare(Now, _ => true, null, names: true);

        Assert.Null(counts.ComparedWith);
        Assert.All(counts.Largest, table => Assert.Null(table.Before));
        Assert.Empty(warnings);
    }

    [Fact]
    public void No_table_is_named_where_names_are_not_wanted()
    {
        var (counts, warnings) = RowCounts.Compare(Now, _ => true, Earlier(new TableRows("shop", "public.gone", 5)), names: false);

        Assert.Equal((4, 132L), (counts.Tables, counts.Rows));
        Assert.Empty(counts.Largest);
        Assert.Empty(warnings);
    }

    [Fact]
    public void The_largest_thousand_and_twenty_warnings_are_enough()
    {
        var many = Enumerable.Range(0, 3000).Select(i => new TableRows("shop", $"public.t{i}", i)).ToArray();
        var (counts, _) = RowCounts.Compare(many, _ => true, null, names: true);
        Assert.Equal(RowCounts.Most, counts.Largest.Count);
        Assert.Equal(2999, counts.Largest[0].Rows);

        // Twice the same table: a report is what lies in the repository.
        var (_, warnings) = RowCounts.Compare([], _ => true, Earlier([.. many.Take(50), many[0]]), names: true);
        Assert.Equal(21, warnings.Count);
        Assert.Equal("and 30 more tables that are gone or empty", warnings[^1]);
    }

    static DrillReport Earlier(params TableRows[] tables) =>
        DrillReportTests.Sample with { Id = "20261120T030000Z-0001", RowCounts = new RowCounts(tables.Length, tables.Sum(t => t.Rows), null, tables) };
}
