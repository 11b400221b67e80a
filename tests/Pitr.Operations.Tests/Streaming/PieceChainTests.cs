using Pitr.Format.Wal;
using Pitr.Operations.Streaming;

namespace Pitr.Operations.Tests.Streaming;

public class PieceChainTests
{
    static readonly WalSegmentName Segment = WalSegmentName.Parse("000000010000000000000007");

    [Theory]
    [InlineData("", "")]
    [InlineData("0-10", "0-10")]
    [InlineData("10-20 0-10", "0-10 10-20")]
    [InlineData("10-20", "")]
    [InlineData("0-10 11-20", "0-10")]
    [InlineData("0-10 0-30 10-20 20-30", "0-30")]
    [InlineData("0-10 5-20 15-30", "0-10 5-20 15-30")]
    [InlineData("0-10 5-8 10-30 10-20", "0-10 10-30")]
    [InlineData("0-10 10-20 30-40 5-35", "0-10 5-35 30-40")]
    public void The_fewest_pieces_without_a_gap(string pieces, string chain) =>
        Assert.Equal(chain, string.Join(' ', PieceChain.Of(Parse(pieces)).Select(p => $"{p.From}-{p.To}")));

    [Fact]
    public void It_reaches_as_far_as_the_bytes_do()
    {
        var random = new Random(7);
        for (var round = 0; round < 2000; round++)
        {
            var pieces = Enumerable.Range(0, random.Next(12)).Select(_ => (uint)random.Next(40)).Select(from => new WalPieceName(Segment, from, from + (uint)random.Next(1, 12))).ToArray();
            var end = 0;
            while (pieces.Any(p => p.From <= end && end < p.To))
            {
                end++;
            }

            Assert.Equal(end, PieceChain.EndOf(pieces));
            var chain = PieceChain.Of(pieces);
            Assert.All(chain.Zip(chain.Skip(1)), pair => Assert.True(pair.Second.From <= pair.First.To && pair.Second.To > pair.First.To));
        }
    }

    static IEnumerable<WalPieceName> Parse(string pieces) => pieces
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(piece => piece.Split('-'))
        .Select(ends => new WalPieceName(Segment, uint.Parse(ends[0]), uint.Parse(ends[1])));
}
