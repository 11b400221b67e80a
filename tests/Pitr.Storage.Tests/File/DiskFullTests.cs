using Pitr.Storage.File;
using Pitr.Storage.Tests.Child;

namespace Pitr.Storage.Tests.File;

/// <summary>A disk that is full, or a limit that is reached, costs the object that did not fit and nothing else.</summary>
public sealed class DiskFullTests : IDisposable
{
    // Not a divisor of a file system's size, so that the last object fails in its middle.
    const int Length = 700_001;

    readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [SmallDiskFact]
    public Task A_full_disk_is_told_and_leaves_nothing_half_written() => FillSmallDiskAsync("file");

    [SmallDiskFact]
    public Task A_disk_that_fills_up_while_writing_is_told_and_leaves_nothing_half_written() => FillSmallDiskAsync("file-unreserved");

    [Theory]
    [InlineData("file")]
    [InlineData("file-unreserved")]
    public async Task A_limit_reached_while_writing_leaves_nothing_half_written(string scheme)
    {
        // 1000 blocks of 512 bytes. A process that ignores SIGXFSZ gets EFBIG in the middle of a write.
        using var child = ChildProcess.StartWithin(
            ["sh", "-c", "trap '' XFSZ; ulimit -f 1000; exec \"$@\"", "sh"],
            "fill", $"{scheme}://{_directory["repository"]}", "services/main/", Length.ToString());
        var report = new Report(await child.ReadToEndAsync());
        Assert.Empty(report.Stored);
        Assert.Contains("File too large", report.Failure, StringComparison.Ordinal);
        Assert.Contains("ulimit -f", report.Hint, StringComparison.Ordinal);
        report.AssertNothingHalfWritten();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory["repository"]));
    }

    async Task FillSmallDiskAsync(string scheme)
    {
        string[] lines;
        if (SmallDiskFactAttribute.Directory is { } disk)
        {
            using var directory = new TemporaryDirectory(below: disk);
            using var child = ChildProcess.Start("fill", $"{scheme}://{directory["repository"]}", "services/main/", Length.ToString());
            lines = await child.ReadToEndAsync();
            await AssertUsableAfterwardsAsync(directory["repository"]);
        }
        else
        {
            using var child = ChildProcess.StartWithin(
                SmallDiskFactAttribute.MountAt(_directory.Path),
                "fill", $"{scheme}://{_directory["repository"]}", "services/main/", Length.ToString());
            lines = await child.ReadToEndAsync();
        }

        var report = new Report(lines);
        Assert.NotEmpty(report.Stored);
        Assert.Contains("No space left on device", report.Failure, StringComparison.Ordinal);
        Assert.Contains("bytes free", report.Failure, StringComparison.Ordinal);
        Assert.Contains($"services/main/{report.Stored.Length:D6}", report.Failure, StringComparison.Ordinal);
        Assert.Contains("free or add space", report.Hint, StringComparison.Ordinal);
        report.AssertNothingHalfWritten();
    }

    static async Task AssertUsableAfterwardsAsync(string root)
    {
        await using var store = new FileObjectStore("local", root);
        await store.DeleteAsync("services/main/000000", CancellationToken.None);
        await store.PutAsync("services/main/again", Contents.Bytes(Length / 2), PutMode.CreateNew, CancellationToken.None);
        Assert.Equal(Contents.Bytes(Length / 2), await store.ReadAllAsync("services/main/again", CancellationToken.None));
    }

    /// <summary>What <see cref="ChildProgram"/> answers to <c>fill</c>.</summary>
    sealed class Report(string[] lines)
    {
        public string[] Stored { get; } = After(lines, "stored ");

        public string Failure { get; } = Assert.Single(After(lines, "failed permanent "));

        public string Hint { get; } = Assert.Single(After(lines, "hint "));

        public void AssertNothingHalfWritten()
        {
            Assert.Equal(Stored.Select(number => number + " whole"), After(lines, "listed "));
            Assert.Equal(Stored.Select(number => number.PadLeft(6, '0')), After(lines, "file ").Order(StringComparer.Ordinal));
        }

        static string[] After(string[] lines, string beginning) =>
            [.. lines.Where(line => line.StartsWith(beginning, StringComparison.Ordinal)).Select(line => line[beginning.Length..])];
    }
}
