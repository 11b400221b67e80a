using System.Buffers.Binary;
using Pitr.Format.Wal;
using Pitr.Postgres.Tests.Servers;
using Pitr.Postgres.Wal;

namespace Pitr.Postgres.Tests.Wal;

public class WalSegmentHeaderTests
{
    [Theory]
    [InlineData(14, 7710550802547263670, "0/1000000", 16)]
    [InlineData(15, 7710554547153649724, "0/800000", 1)]
    [InlineData(16, 7710550806149446942, "0/1000000", 16)]
    [InlineData(17, 7710550809292374412, "0/1000000", 16)]
    [InlineData(18, 7710550811733800158, "0/1000000", 16)]
    public void Reads_the_first_page_of_each_version(int version, ulong systemIdentifier, string address, int segmentMiB)
    {
        var header = WalSegmentHeader.Parse(Golden.Read($"wal-segment-{version}"));

        Assert.Equal(new WalSegmentHeader(version, new Timeline(1), Lsn.Parse(address), systemIdentifier, WalSegmentSize.From(segmentMiB << 20), 8192), header);
    }

    [Fact]
    public void Accepts_the_file_it_belongs_to()
    {
        var header = WalSegmentHeader.Parse(Golden.Read("wal-segment-15"));

        header.RequireMatches(WalSegmentName.Parse("000000010000000000000008"), 1 << 20);
    }

    [Fact]
    public void Accepts_a_name_on_a_later_timeline_as_the_first_segment_after_a_promotion_has_its_parents_beginning()
    {
        var header = WalSegmentHeader.Parse(Golden.Read("wal-segment-15"));

        header.RequireMatches(WalSegmentName.Parse("000000020000000000000008"), 1 << 20);
    }

    [Theory]
    [InlineData("000000010000000000000009", 1 << 20, "its content is of 0/800000, its name means 0/900000")]
    [InlineData("000000010000000000000008", (1 << 20) - 1, "the file has 1048575 bytes, its header says segments of 1048576")]
    [InlineData("000000010000000000000008", 16 << 20, "the file has 16777216 bytes, its header says segments of 1048576")]
    [InlineData("000000010000000000001000", 1 << 20, "no such name exists")]
    public void Refuses_a_file_whose_name_or_length_disagrees(string name, long length, string reason)
    {
        var header = WalSegmentHeader.Parse(Golden.Read("wal-segment-15"));

        var error = Assert.Throws<WalSegmentException>(() => header.RequireMatches(WalSegmentName.Parse(name), length));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_content_of_a_later_timeline_than_its_name()
    {
        var page = Golden.Read("wal-segment-15");
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(4), 3);

        var error = Assert.Throws<WalSegmentException>(
            () => WalSegmentHeader.Parse(page).RequireMatches(WalSegmentName.Parse("000000020000000000000008"), 1 << 20));
        Assert.Contains("its content is of timeline 3, its name of timeline 2", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0xD101, "page magic D101, known are 14 (D10D)")]
    [InlineData(2, 0x0001, "lack the long header")]
    [InlineData(2, 0x0012, "lack the long header")]
    [InlineData(4, 0x0000, "timeline 0")]
    [InlineData(8, 0x0010, "no segment boundary")]
    [InlineData(32, 0x0001, "segment size")]
    [InlineData(36, 0x2001, "block size")]
    public void Refuses_what_no_segment_starts_with(int offset, int value, string reason)
    {
        var page = Golden.Read("wal-segment-15");
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(offset), (ushort)value);

        var error = Assert.Throws<WalSegmentException>(() => WalSegmentHeader.Parse(page));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_when_a_segment_was_never_written_to()
    {
        var error = Assert.Throws<WalSegmentException>(() => WalSegmentHeader.Parse(new byte[8192]));
        Assert.Contains("starts with zeros", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_every_length_below_a_header()
    {
        var page = Golden.Read("wal-segment-15");
        for (var length = 0; length < WalSegmentHeader.Size; length++)
        {
            Assert.Throws<WalSegmentException>(() => WalSegmentHeader.Parse(page.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Throws_nothing_else_on_any_damage()
    {
        var random = new Random(20261121);
        var page = Golden.Read("wal-segment-16");
        for (var round = 0; round < 20_000; round++)
        {
            var damaged = page.AsSpan(0, WalSegmentHeader.Size).ToArray();
            for (var change = random.Next(1, 8); change > 0; change--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            try
            {
                WalSegmentHeader.Parse(damaged).RequireMatches(WalSegmentName.Parse("000000010000000000000001"), 16 << 20);
            }
            catch (WalSegmentException)
            {
                // The one answer allowed besides acceptance.
            }
        }
    }
}
