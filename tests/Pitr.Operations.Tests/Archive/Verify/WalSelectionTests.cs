using FsCheck;
using FsCheck.Fluent;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Archive.Verify;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Tests.Archive.Verify;

public class WalSelectionTests
{
    static readonly Timeline One = new(1);

    static WalSegmentName Name(ulong number) => WalSegmentName.FromNumber(One, number, WalSegmentSize.Default);

    static WalInventory Inventory(params (ulong First, ulong Last)[] spans) => new(
        WalSegmentSize.Default,
        [new WalTimeline(One, [.. spans.Select(s => new WalSpan(Name(s.First), Name(s.Last), (long)(s.Last - s.First + 1), 0, Scenario.Start, Scenario.Start))], false)]);

    [Fact]
    public void What_is_enumerated_is_what_is_contained()
    {
        Prop.ForAll(Arb.From(Gen.Choose(0, 40)), Arb.From(Gen.Choose(1, 40)), (from, sample) =>
        {
            var selection = new WalSelection(Inventory((3, 9), (12, 12), (20, 31)), _ => (ulong)from, sample, new Random(from * sample));
            var all = Enumerable.Range(0, 50).Select(n => (ulong)n).Where(n => n >= (ulong)from && n is (>= 3 and <= 9) or 12 or (>= 20 and <= 31)).Where(n => n >= (ulong)from).ToArray();
            var chosen = selection.Segments().Select(s => s.Number(WalSegmentSize.Default)).ToArray();
            Assert.Equal((long)all.Length, selection.Available);
            Assert.Equal(Math.Min(all.Length, sample), chosen.Length);
            Assert.Equal(selection.Count, chosen.Length);
            Assert.Empty(chosen.Except(all));
            Assert.Equal(chosen, Enumerable.Range(0, 50).Select(n => (ulong)n).Where(n => selection.Contains(Name(n))));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void Neighbours_are_compared_once_each_in_any_order_and_then_forgotten()
    {
        var random = new Random(5);
        var (right, other) = (Edges(1), Edges(2));
        for (var round = 0; round < 50; round++)
        {
            // Some are of another stream: they do not fit the one before, nor does the one behind fit them.
            var strange = new HashSet<ulong>(Enumerable.Range(0, right.Length).Where(_ => random.Next(5) == 0).Select(n => (ulong)n));
            var expected = Enumerable.Range(1, right.Length - 1).Select(n => (ulong)n).Where(n => strange.Contains(n) != strange.Contains(n - 1));
            var found = new List<ulong>();
            var neighbours = new WalNeighbours(
                s => s.Number(WalSample.Small) < (ulong)right.Length,
                s => s.Number(WalSample.Small) is > 0 and var n ? Small(n - 1) : null,
                s => [Small(s.Number(WalSample.Small) + 1)],
                (s, _) => found.Add(s.Number(WalSample.Small)));
            foreach (var number in Enumerable.Range(0, right.Length).OrderBy(_ => random.Next()))
            {
                neighbours.Add(Small((ulong)number), strange.Contains((ulong)number) ? other[number] : right[number]);
            }

            Assert.Equal(expected, found.Order());
            Assert.Equal(0, neighbours.Kept);
        }
    }

    static WalSegmentName Small(ulong number) => WalSegmentName.FromNumber(One, number, WalSample.Small);

    static WalSegmentEdges[] Edges(int seed)
    {
        var wal = new WalStreamSample(0, 12, seed);
        return [.. Enumerable.Range(0, wal.Count).Select(i => WalSegmentProof.Walk(wal.Segment(i), WalSegmentHeader.Parse(wal.Segment(i))))];
    }
}
