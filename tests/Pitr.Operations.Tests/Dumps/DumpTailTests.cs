using Pitr.Operations.Dumps;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>The end of a stream is remembered, in whatever blocks it comes.</summary>
public sealed class DumpTailTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(255, 7)]
    [InlineData(256, 256)]
    [InlineData(257, 1)]
    [InlineData(5000, 100)]
    [InlineData(5000, 255)]
    [InlineData(5000, 1000)]
    public void The_last_bytes_are_those_of_the_stream(int length, int block)
    {
        var stream = Enumerable.Range(0, length).Select(i => (byte)(i * 7)).ToArray();
        var tail = new DumpTail();
        for (var at = 0; at < length; at += block)
        {
            tail.Add(stream.AsSpan(at, Math.Min(block, length - at)));
        }

        Assert.Equal(stream[Math.Max(0, length - DumpTail.Length)..], tail.Bytes.ToArray());
    }
}
