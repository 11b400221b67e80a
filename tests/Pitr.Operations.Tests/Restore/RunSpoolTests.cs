using Pitr.Operations.Restore;

namespace Pitr.Operations.Tests.Restore;

public sealed class RunSpoolTests : IDisposable
{
    readonly string _directory = Path.Combine(Path.GetTempPath(), $"pitr-spool-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40 * 256 * 3)]
    [InlineData(16 << 20)]
    public void Every_pack_gets_its_runs_back_in_order_wherever_they_were_kept(long memoryLimit)
    {
        var random = new Random(7);
        var expected = Enumerable.Range(0, 5).Select(_ => new List<SpooledRun>()).ToArray();
        using (var spool = new RunSpool(_directory, memoryLimit))
        {
            for (var i = 0; i < 10_000; i++)
            {
                // Pack 4 gets a few only.
                var pack = i % 1000 == 0 ? 4 : random.Next(4);
                var run = new SpooledRun(random.NextInt64(), random.NextInt64(), 1 + random.Next(), random.Next(), random.Next(), random.Next(), random.Next());
                Assert.True(spool.Add(pack, run));
                expected[pack].Add(run);
            }

            // The file has no name: nothing is left behind, however the process ends.
            Assert.True(!Directory.Exists(_directory) || !Directory.EnumerateFileSystemEntries(_directory).Any());
            Parallel.For(0, expected.Length, pack => Assert.Equal(expected[pack], spool.Read(pack)));
            Assert.Empty(spool.Read(99));
        }

        Assert.Equal(memoryLimit < 1 << 20, Directory.Exists(_directory));
    }

    [Fact]
    public void Runs_that_go_on_where_the_last_one_ended_become_one()
    {
        using var spool = new RunSpool(_directory);
        for (var page = 0; page < 32; page++)
        {
            Assert.Equal(page == 0, spool.Add(3, new SpooledRun(page * 8192L, 104, 8192, 1, 0, 5000, page * 8192)));
        }

        Assert.True(spool.Add(3, new SpooledRun(32 * 8192L, 5104, 8192, 1, 1, 5000, 0)));
        Assert.True(spool.Add(3, new SpooledRun(0, 5104, 8192, 2, 1, 5000, 8192)));
        Assert.Equal([32 * 8192L, 8192, 8192], spool.Read(3).Select(r => r.Length));
    }
}
