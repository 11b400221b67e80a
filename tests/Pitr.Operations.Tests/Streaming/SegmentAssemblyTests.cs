using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Streaming;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Streaming;

public class SegmentAssemblyTests
{
    const string Name = "000000010000000000000007";

    [Fact]
    public async Task Pieces_make_the_segment_as_far_as_they_go()
    {
        await using var scenario = await Scenario.StartAsync();
        var segment = new StreamedSegment(scenario, Name);
        await segment.StoreAsync(0, 8192, 9000, 30000);

        using var read = await segment.ReadAsync();
        segment.RequirePrefix(read, 30000);
    }

    [Fact]
    public async Task Overlapping_pieces_are_one_segment()
    {
        await using var scenario = await Scenario.StartAsync();
        var segment = new StreamedSegment(scenario, Name);
        await segment.StoreAsync(0, 8192, 20000);
        await segment.StoreAsync(10000, 40000);

        using var read = await segment.ReadAsync();
        segment.RequirePrefix(read, 40000);
    }

    [Fact]
    public async Task A_missing_piece_ends_the_segment()
    {
        await using var scenario = await Scenario.StartAsync();
        var segment = new StreamedSegment(scenario, Name);
        await segment.StoreAsync(0, 8192, 20000, 40000);
        File.Delete(scenario.PathOf(segment.KeyOf(8192, 20000)));

        using var read = await segment.ReadAsync();
        segment.RequirePrefix(read, 8192);
    }

    [Fact]
    public async Task No_pieces_are_proven_absent_and_without_the_first_there_is_no_segment()
    {
        await using var scenario = await Scenario.StartAsync();
        var segment = new StreamedSegment(scenario, Name);
        Assert.Null(await segment.ReadAsync());
        await segment.StoreAsync(0, 8192, 20000);
        File.Delete(scenario.PathOf(segment.KeyOf(0, 8192)));
        Assert.Null(await segment.ReadAsync());
        Assert.Equal(ArchiveGetResult.ProvenAbsent, await scenario.Get.GetAsync(WalFileName.Parse(Name), scenario["got"], TimeSpan.Zero, default));
    }

    [Theory]
    [InlineData(StoreOperation.List)]
    [InlineData(StoreOperation.Read)]
    public async Task Unknown_is_not_absent(StoreOperation operation)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var segment = new StreamedSegment(scenario, Name);
        await segment.StoreAsync(0, 8192, 20000);
        scenario.Stores[1].Inject(StoreFault.FailBefore(operation));
        if (operation == StoreOperation.Read)
        {
            // One good copy of each piece is enough.
            using var read = await segment.ReadAsync();
            segment.RequirePrefix(read, 20000);
            return;
        }

        await Assert.ThrowsAsync<StorageException>(segment.ReadAsync);
        Assert.False(File.Exists(scenario["got"]));
    }

    [Fact]
    public async Task A_place_that_is_no_repository_is_not_empty()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var segment = new StreamedSegment(scenario, Name);
        await segment.StoreAsync(0, 8192);
        Directory.Delete(scenario["repository-2"], recursive: true);
        Directory.CreateDirectory(scenario["repository-2"]);
        await Assert.ThrowsAnyAsync<Exception>(segment.ReadAsync);
    }

    [Fact]
    public async Task A_damaged_piece_is_an_error_unless_another_repository_has_a_good_one()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var segment = new StreamedSegment(scenario, Name);
        await segment.StoreAsync(0, 8192, 20000);
        scenario.Damage(segment.KeyOf(8192, 20000));
        using (var read = await segment.ReadAsync())
        {
            segment.RequirePrefix(read, 20000);
        }

        scenario.Damage(segment.KeyOf(8192, 20000), 2);
        await Assert.ThrowsAsync<DamagedRepositoryException>(segment.ReadAsync);
    }

    [Fact]
    public async Task A_piece_under_the_name_of_another_is_damage()
    {
        await using var scenario = await Scenario.StartAsync();
        var segment = new StreamedSegment(scenario, Name);
        await segment.StoreAsync(0, 8192, 12288, 16384);
        File.Copy(scenario.PathOf(segment.KeyOf(12288, 16384)), scenario.PathOf(segment.KeyOf(8192, 12288)), overwrite: true);
        await Assert.ThrowsAsync<DamagedRepositoryException>(segment.ReadAsync);
    }

    [Fact]
    public async Task The_pieces_of_another_segment_are_damage()
    {
        await using var scenario = await Scenario.StartAsync();
        var other = new StreamedSegment(scenario, "000000010000000000000008");
        await other.StoreAsync(0, 8192);
        var segment = new StreamedSegment(scenario, Name);
        Directory.CreateDirectory(Path.GetDirectoryName(scenario.PathOf(segment.KeyOf(0, 8192)))!);
        File.Copy(scenario.PathOf(other.KeyOf(0, 8192)), scenario.PathOf(segment.KeyOf(0, 8192)));
        await Assert.ThrowsAsync<DamagedRepositoryException>(segment.ReadAsync);
    }

    [Fact]
    public async Task The_segment_wins_over_its_pieces()
    {
        await using var scenario = await Scenario.StartAsync();
        var segment = new StreamedSegment(scenario, Name);
        await segment.StoreAsync(0, 8192);
        await scenario.PushSegmentAsync(Name);
        Assert.Equal(ArchiveGetResult.Found, await scenario.Get.GetAsync(WalFileName.Parse(Name), scenario["got"], TimeSpan.Zero, default));
        Assert.Equal(segment.Content, await File.ReadAllBytesAsync(scenario["got"]));
    }

    [Fact]
    public async Task Other_content_in_the_same_place_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        await new StreamedSegment(scenario, Name).StoreAsync(0, 8192, 20000);
        await new StreamedSegment(scenario, Name).StoreAsync(0, 8192);
        var error = await Assert.ThrowsAsync<ConflictException>(() => new StreamedSegment(scenario, Name, seed: 2).StoreAsync(8192, 20000));
        Assert.Contains("other content", error.Message, StringComparison.Ordinal);
    }
}
