using Pitr.Format.Wal;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Tests.Archive.Status;

public sealed class PgWalDirectoryTests : IDisposable
{
    static readonly DateTimeOffset Now = Scenario.Start;

    readonly TestClock _clock = new(Now);
    readonly DataDirectorySample _data;
    readonly string _path = Directory.CreateTempSubdirectory("pitr-pgwal-").FullName;

    public PgWalDirectoryTests() => _data = new DataDirectorySample(_path);

    public void Dispose() => Directory.Delete(_path, recursive: true);

    [Theory]
    [InlineData(1, null)]
    [InlineData(2, null)]
    [InlineData(60, 3ul)]
    [InlineData(127, 3ul)]
    [InlineData(128, null)]
    public void The_end_of_written_WAL_is_found_to_a_page(int pages, ulong? behind)
    {
        _data.Write(5);
        _data.Write(6, pages, behind: behind);
        // Recycled ahead: named for later, with the pages of long ago; and one that was never written.
        _data.Write(7, content: 2);
        _data.Write(8, pages: 0);

        var content = _data.Read(_clock);

        Assert.Equal(new Lsn((6UL << 20) + ((ulong)pages * 8192)), content.WrittenTo);
        Assert.Equal((4, 2, new Timeline(1)), (content.Segments, content.PreparedSegments, content.Timeline));
        Assert.Equal(4L << 20, content.Bytes);
        Assert.InRange(content.FreeBytes, 1, content.DiskBytes);
    }

    [Fact]
    public void A_segment_that_was_switched_is_written_to_its_end()
    {
        _data.Write(6, pages: 3);
        _data.Ready(6, Now.AddSeconds(-7));

        Assert.Equal(new Lsn(7UL << 20), _data.Read(_clock).WrittenTo);
    }

    [Fact]
    public void The_newest_timeline_counts_after_a_promotion()
    {
        _data.Write(6);
        _data.Write(7, pages: 9);
        _data.Write(7, pages: 10, timeline: 2);

        var content = _data.Read(_clock);

        Assert.Equal((new Timeline(2), new Lsn((7UL << 20) + (10 * 8192))), (content.Timeline, content.WrittenTo));
    }

    [Fact]
    public void What_waits_is_counted_with_the_first_by_position_and_the_longest_by_time()
    {
        _data.Write(6);
        _data.Status("00000002.history.ready", Now.AddMinutes(-9));
        _data.Ready(4, Now.AddMinutes(-3));
        _data.Ready(5, Now.AddMinutes(-2));
        _data.Done(3, Now.AddMinutes(-4));

        var content = _data.Read(_clock);

        Assert.Equal((3, DataDirectorySample.Segment(4), Now.AddMinutes(-9)), (content.Ready, content.OldestReady, content.OldestReadySince));
        Assert.Equal(Now.AddMinutes(-4), new PgWalDirectory(_path, DataDirectorySample.Size, _clock).CompletedAt(DataDirectorySample.Segment(3)));
        Assert.Null(new PgWalDirectory(_path, DataDirectorySample.Size, _clock).CompletedAt(DataDirectorySample.Segment(2)));
    }

    [Fact]
    public void An_empty_directory_was_never_written_and_a_missing_one_is_an_error()
    {
        Assert.Null(_data.Read(_clock).WrittenTo);
        Directory.Delete(Path.Combine(_path, "pg_wal"), recursive: true);
        Assert.Contains("pg_wal", Assert.Throws<ServerException>(() => _data.Read(_clock)).Message, StringComparison.Ordinal);
    }
}
