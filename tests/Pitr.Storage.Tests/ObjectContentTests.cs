namespace Pitr.Storage.Tests;

public sealed class ObjectContentTests : IDisposable
{
    readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Contents_open_from_the_start_each_time()
    {
        var bytes = Contents.Bytes(1000);
        await System.IO.File.WriteAllBytesAsync(_directory["file"], bytes[100..400]);
        foreach (var content in (ObjectContent[])[ObjectContent.FromMemory(bytes.AsMemory(100, 300)), ObjectContent.FromFile(_directory["file"])])
        {
            Assert.Equal(300, content.Length);
            for (var i = 0; i < 2; i++)
            {
                await using var stream = content.OpenRead();
                using var read = new MemoryStream();
                await stream.CopyToAsync(read);
                Assert.Equal(bytes[100..400], read.ToArray());
            }
        }
    }

    [Fact]
    public void Only_memory_is_given_without_copying()
    {
        var bytes = Contents.Bytes(10);
        Assert.True(ObjectContent.FromMemory(bytes).TryGetMemory(out var memory));
        Assert.True(memory.Span == bytes.AsSpan());
        System.IO.File.WriteAllBytes(_directory["file"], bytes);
        Assert.False(ObjectContent.FromFile(_directory["file"]).TryGetMemory(out _));
    }

    [Fact]
    public void A_missing_file_is_no_content() => Assert.Throws<FileNotFoundException>(() => ObjectContent.FromFile(_directory["missing"]));

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(1, long.MaxValue)]
    public void Ranges_lie_within_what_can_be_counted(long offset, long length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ByteRange(offset, length));
}
