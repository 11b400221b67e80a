using System.Buffers.Binary;
using Pitr.Postgres.Pages;

namespace Pitr.Postgres.Tests.Pages;

/// <summary>That it is PostgreSQL's own checksum is shown by backups of clusters of every version (EndToEnd, page oracle); here, what it depends on.</summary>
public class PageChecksumTests
{
    [Fact]
    public void Every_bit_of_the_page_and_its_place_count_but_not_the_checksum_itself()
    {
        var page = new byte[8192];
        new Random(1).NextBytes(page);
        var sum = PageChecksum.Compute(page, 7);
        Assert.NotEqual(sum, PageChecksum.Compute(page, 8));

        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(8), 0xFFFF);
        Assert.Equal(sum, PageChecksum.Compute(page, 7));
        for (var position = 0; position < page.Length; position += position is 7 ? 3 : 97)
        {
            page[position] ^= 1;
            Assert.NotEqual(sum, PageChecksum.Compute(page, 7));
            page[position] ^= 1;
        }
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(8192)]
    [InlineData(32768)]
    public void Vectors_add_up_as_the_words_one_by_one(int size)
    {
        var page = new byte[size];
        new Random(size).NextBytes(page);
        Assert.Equal(Reference(page, 123456), PageChecksum.Compute(page, 123456));
    }

    // pg_checksum_block() word by word.
    static ushort Reference(byte[] page, uint block)
    {
        var sums = PageChecksum.Bases.ToArray();
        for (var i = 0; i < page.Length / 4; i++)
        {
            var word = BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(i * 4));
            Add(ref sums[i % 32], i == 2 ? word & 0xFFFF0000 : word);
        }

        for (var i = 0; i < 64; i++)
        {
            Add(ref sums[i % 32], 0);
        }

        return (ushort)(((sums.Aggregate((x, y) => x ^ y) ^ block) % 65535) + 1);
    }

    static void Add(ref uint sum, uint value)
    {
        var mixed = sum ^ value;
        sum = (mixed * 16777619) ^ (mixed >> 17);
    }
}
