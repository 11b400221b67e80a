using System.Text;

namespace Pitr.Postgres.Tests;

public class Crc32CTests
{
    /// <summary>Check value of CRC-32C in the catalogue of parametrised CRC algorithms, and RFC 3720 appendix B.4.</summary>
    [Fact]
    public void Gives_the_published_values()
    {
        Assert.Equal(0xE3069283u, Compute(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0x8A9136AAu, Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Compute(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, Compute(Enumerable.Range(0, 32).Select(value => (byte)value).ToArray()));
    }

    [Fact]
    public void May_be_computed_in_pieces()
    {
        var data = Enumerable.Range(0, 100).Select(value => (byte)(value * 7)).ToArray();
        for (var cut = 0; cut <= data.Length; cut++)
        {
            Assert.Equal(Compute(data), Crc32C.Finish(Crc32C.Append(Crc32C.Append(Crc32C.Start, data.AsSpan(0, cut)), data.AsSpan(cut))));
        }
    }

    static uint Compute(byte[] data) => Crc32C.Finish(Crc32C.Append(Crc32C.Start, data));
}
