using System.Text;
using Pitr.Format.Compression;

namespace Pitr.Format.Tests.Compression;

public class FastCompressionTests
{
    const int Length = 5 << 20;

    public static TheoryData<string> Contents => ["transactions", "digests", "noise", "zeros"];

    [Theory]
    [MemberData(nameof(Contents))]
    public void What_is_compressed_comes_back_and_is_no_larger(string kind)
    {
        var plaintext = Make(kind);
        foreach (var length in (int[])[0, 1, (4 << 20) - 1, 4 << 20, Length])
        {
            var content = plaintext.AsSpan(0, length);
            var frame = new byte[Zstd.CompressBound(length)];
            var fast = FastCompression.Compress(content, frame, 1);
            var result = new byte[length];
            Assert.Equal(length, Zstd.Decompress(frame.AsSpan(0, fast), result));
            Assert.True(content.SequenceEqual(result));
            Assert.InRange(fast, 0, Zstd.Compress(content, frame, 1) * 1.02);
        }
    }

    [Theory]
    [InlineData("transactions", true)]
    [InlineData("digests", false)]
    public void Short_repetitions_are_looked_for_where_there_are_some(string kind, bool chosen)
    {
        var sample = Make(kind).AsSpan(Length / 2, 256 * 1024);
        Assert.Equal(chosen, FastCompression.PrefersShortMatches(sample, new byte[Zstd.CompressBound(sample.Length)]));
    }

    [Fact]
    public void Another_level_is_zstd_s_own()
    {
        var plaintext = Make("transactions");
        var (own, fast) = (new byte[Zstd.CompressBound(Length)], new byte[Zstd.CompressBound(Length)]);
        Assert.Equal(own[..Zstd.Compress(plaintext, own, 3)], fast[..FastCompression.Compress(plaintext, fast, 3)]);
    }

    static byte[] Make(string kind)
    {
        var random = new Random(5);
        var content = new byte[Length];
        switch (kind)
        {
            case "transactions":
                // What is the same in every record is shorter than zstd's level 1 looks for.
                for (var at = 0; at + 10 <= Length; at += 10)
                {
                    "record"u8.CopyTo(content.AsSpan(at));
                    random.NextBytes(content.AsSpan(at + 6, 4));
                }

                break;
            case "digests":
                // Each is there twice, as in a table and its index.
                var half = new byte[32];
                for (var at = 0; at + 6400 <= Length; at += 6400)
                {
                    for (var row = 0; row < 50; row++)
                    {
                        random.NextBytes(half);
                        var text = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(half));
                        text.CopyTo(content, at + (row * 64));
                        text.CopyTo(content, at + 3200 + ((49 - row) * 64));
                    }
                }

                break;
            case "noise":
                random.NextBytes(content);
                break;
        }

        return content;
    }
}
