using System.Buffers;
using System.Text;
using Pitr.Operations.Files.Journal;
using Pitr.Postgres;

namespace Pitr.Operations.Tests.Files.Journal;

/// <summary>The journal's export format, in whatever pieces it comes.</summary>
public sealed class JournalFilterTests
{
    static readonly byte[] Whole =
    [
        .. JournalctlDouble.Entry("s", 1, 5_000_000),
        .. JournalctlDouble.Entry("s", 3, 4_000_000),
        .. "__CURSOR=s=s;i=4;t=1\n__REALTIME_TIMESTAMP=9000000\nEMPTY=\nLONG\n"u8, .. new byte[] { 0, 0, 0, 0, 0, 0, 0, 0 }, .. "\nTEXT="u8, .. Encoding.ASCII.GetBytes(new string('x', 5000)), .. "\n\n"u8,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void Everything_goes_through_as_it_came(int piece)
    {
        var filter = new JournalFilter(_ => true);

        Assert.Equal(Whole, Run(filter, Whole, piece));

        filter.Complete();
        Assert.Equal((3, 4_000_000L, 9_000_000L, 5_000_000L), (filter.Taken, filter.First, filter.Last, filter.Foremost));
        Assert.Equal(("s=s;i=1;t=4c4b40", "s=s;i=4;t=1"), (filter.FirstCursor, filter.LastCursor));
        Assert.Equal(("m1", null), (filter.MachineId, filter.OtherMachineId));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void What_is_not_taken_leaves_nothing(int piece)
    {
        var filter = new JournalFilter(cursor => cursor.Contains("i=3", StringComparison.Ordinal));

        Assert.Equal(JournalctlDouble.Entry("s", 3, 4_000_000), Run(filter, Whole, piece));

        filter.Complete();
        Assert.Equal((1, 4_000_000L, "s=s;i=4;t=1"), (filter.Taken, filter.Last, filter.LastCursor));
    }

    [Fact]
    public void A_stream_that_ends_within_an_entry_is_not_whole()
    {
        var first = JournalctlDouble.Entry("s", 1, 5_000_000).Length;
        var second = first + JournalctlDouble.Entry("s", 3, 4_000_000).Length;
        for (var length = 0; length <= Whole.Length; length++)
        {
            var filter = new JournalFilter(_ => true);
            Run(filter, Whole[..length], 1000);
            if (length == 0 || length == first || length == second || length == Whole.Length)
            {
                filter.Complete();
            }
            else
            {
                Assert.Contains("ends within an entry", Assert.Throws<ServerException>(filter.Complete).Message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("-- No entries --\n")]
    [InlineData("MESSAGE=x\n\n")]
    [InlineData("__CURSOR=a\nMESSAGE=x\n\n")]
    [InlineData("__CURSOR=a\n__REALTIME_TIMESTAMP=x\n\n")]
    [InlineData("__CURSOR=a\n__REALTIME_TIMESTAMP=-5\n\n")]
    [InlineData("__CURSOR=a\n__REALTIME_TIMESTAMP=999999999999999999\n\n")]
    [InlineData("__CURSOR=a\nM\n\u0001\0\0\0\0\0\0\0abc\n\n")]
    public void What_is_no_journal_is_refused(string text) =>
        Assert.Contains("not a whole journal", Assert.Throws<ServerException>(() => Run(new JournalFilter(_ => true), Encoding.Latin1.GetBytes(text), 3)).Message, StringComparison.Ordinal);

    [Fact]
    public void Names_and_cursors_without_an_end_fill_no_memory()
    {
        Assert.Throws<ServerException>(() => Run(new JournalFilter(_ => true), new byte[10_000], 100));
        Assert.Throws<ServerException>(() => Run(new JournalFilter(_ => true), [.. "__CURSOR="u8, .. new byte[10_000]], 100));
    }

    [Fact]
    public void Damage_is_either_refused_or_harmless()
    {
        var random = new Random(20261122);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Whole.ToArray();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var filter = new JournalFilter(_ => true);
            try
            {
                Assert.True(Run(filter, bytes, 97).Length <= bytes.Length);
                filter.Complete();
            }
            catch (ServerException)
            {
                // Refused.
            }
        }
    }

    static byte[] Run(JournalFilter filter, byte[] input, int piece)
    {
        var output = new ArrayBufferWriter<byte>();
        for (var at = 0; at < input.Length; at += piece)
        {
            filter.Write(input.AsSpan(at, Math.Min(piece, input.Length - at)), output);
        }

        return output.WrittenSpan.ToArray();
    }
}
