using System.Buffers.Binary;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Archive;

public class ArchivePushTests
{
    const string Name = "000000010000000000000003";

    [Fact]
    public async Task A_segment_is_in_every_repository_when_push_returns_and_opens_from_each()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var content = WalSample.Segment(Name, commits: Scenario.Start);

        var result = await scenario.Push.PushAsync(scenario.Write(Name, content), default);

        Assert.Equal((WalFileName.Parse(Name), content.Length, false), (result.Name, result.Bytes, result.AlreadyStored));
        for (var repository = 1; repository <= 2; repository++)
        {
            Assert.Equal(result.StoredBytes, new FileInfo(scenario.PathOf(scenario.KeyOf(Name), repository)).Length);
        }

        File.Delete(scenario.PathOf(scenario.KeyOf(Name), 1));
        Assert.Equal(content, await scenario.Get.ReadAsync(WalFileName.Parse(Name), default));
    }

    [Fact]
    public async Task Nothing_of_the_segment_is_readable_in_the_repository()
    {
        await using var scenario = await Scenario.StartAsync();
        var content = WalSample.Segment(Name);
        "the customer's secret row"u8.CopyTo(content.AsSpan(9000));

        await scenario.Push.PushAsync(scenario.Write(Name, content), default);

        foreach (var key in await scenario.KeysAsync())
        {
            Assert.Equal(-1, File.ReadAllBytes(scenario.PathOf(key)).AsSpan().IndexOf("secret row"u8));
        }
    }

    [Fact]
    public async Task The_header_says_when_the_first_and_last_commit_were()
    {
        await using var scenario = await Scenario.StartAsync();
        var (first, last) = (Scenario.Start.AddSeconds(-20), Scenario.Start.AddMicroseconds(-3));

        await scenario.PushSegmentAsync(Name, 1, first, Scenario.Start.AddSeconds(-10), last);

        var times = await new WalArchive(scenario.Service).ReadCommitTimesAsync(WalSegmentName.Parse(Name), default);
        Assert.Equal((first, last), times!.Value);
    }

    [Fact]
    public async Task The_same_segment_again_is_the_same_success()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushSegmentAsync(Name);
        var before = File.ReadAllBytes(scenario.PathOf(scenario.KeyOf(Name)));

        Assert.True((await scenario.Push.PushAsync(Path.Combine(scenario["pg_wal"], Name), default)).AlreadyStored);
        await using var otherHost = scenario.Open("other-state");
        Assert.True((await new ArchivePush(otherHost).PushAsync(Path.Combine(scenario["pg_wal"], Name), default)).AlreadyStored);

        Assert.Equal(before, File.ReadAllBytes(scenario.PathOf(scenario.KeyOf(Name))));
    }

    [Fact]
    public async Task Other_content_under_the_same_name_is_refused_and_names_both()
    {
        await using var scenario = await Scenario.StartAsync();
        var stored = await scenario.PushSegmentAsync(Name, seed: 1);

        var error = await Assert.ThrowsAsync<ConflictException>(() => scenario.PushSegmentAsync(Name, seed: 2));

        Assert.Contains(Name, error.Message, StringComparison.Ordinal);
        Assert.Matches("stored [0-9a-f]{32}, offered [0-9a-f]{32}", error.Message);
        Assert.Equal(stored, await scenario.Get.ReadAsync(WalFileName.Parse(Name), default));
    }

    [Fact]
    public async Task A_conflict_in_one_repository_is_a_conflict_although_the_other_took_it()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushSegmentAsync(Name, seed: 1);
        File.Delete(scenario.PathOf(scenario.KeyOf(Name), 1));

        await Assert.ThrowsAsync<ConflictException>(() => scenario.PushSegmentAsync(Name, seed: 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_clusters_segment_never_enters_the_archive(bool inNewProcess)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var push = scenario.Push;
        await push.PushAsync(scenario.Write(Name, WalSample.Segment(Name)), default);
        const string Next = "000000010000000000000004";
        var foreign = scenario.Write(Next, WalSample.Segment(Next, systemIdentifier: 42));
        await using var service = inNewProcess ? scenario.Open("other-state") : null;

        var error = await Assert.ThrowsAsync<ConflictException>(() => (service is null ? push : new ArchivePush(service)).PushAsync(foreign, default));

        Assert.Contains("42", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{WalSample.SystemIdentifier}", error.Message, StringComparison.Ordinal);
        for (var repository = 1; repository <= 2; repository++)
        {
            Assert.DoesNotContain(scenario.KeyOf(Next), await scenario.KeysAsync(repository));
        }
    }

    [Fact]
    public async Task Two_clusters_that_start_at_the_same_moment_do_not_both_get_the_name()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var first = scenario.Open("first");
        await using var second = scenario.Open("second");
        const string Next = "000000010000000000000004";
        var hold = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Put).On(k => k.EndsWith("service.json", StringComparison.Ordinal)).Repeated(2));

        var pushes = new[]
        {
            new ArchivePush(first).PushAsync(scenario.Write(Name, WalSample.Segment(Name)), default),
            new ArchivePush(second).PushAsync(scenario.Write(Next, WalSample.Segment(Next, systemIdentifier: 42)), default),
        };
        await hold.Reached;
        hold.Release();

        _ = await Task.WhenAny(Task.WhenAll(pushes));
        Assert.Equal(1, pushes.Count(p => p.IsCompletedSuccessfully));
        Assert.IsType<ConflictException>(pushes.Single(p => p.IsFaulted).Exception!.InnerException);
    }

    [Fact]
    public async Task A_put_that_failed_is_not_acknowledged_and_the_retry_succeeds()
    {
        await using var scenario = await Scenario.StartAsync();
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put).On(k => k == scenario.KeyOf(Name)));

        await Assert.ThrowsAsync<StorageException>(() => scenario.PushSegmentAsync(Name));
        Assert.DoesNotContain(scenario.KeyOf(Name), await scenario.KeysAsync());

        var content = await scenario.PushSegmentAsync(Name);
        Assert.Equal(content, await scenario.Get.ReadAsync(WalFileName.Parse(Name), default));
    }

    [Fact]
    public async Task A_put_whose_answer_was_lost_is_not_acknowledged_and_the_retry_finds_it_there()
    {
        await using var scenario = await Scenario.StartAsync();
        scenario.Store.Inject(StoreFault.FailAfter(StoreOperation.Put).On(k => k == scenario.KeyOf(Name)));
        var path = scenario.Write(Name, WalSample.Segment(Name));

        await Assert.ThrowsAsync<StorageException>(() => scenario.Push.PushAsync(path, default));

        Assert.True((await scenario.Push.PushAsync(path, default)).AlreadyStored);
    }

    [Fact]
    public async Task When_the_second_repository_fails_nothing_is_acknowledged_and_a_retry_completes_it()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushSegmentAsync("000000010000000000000002");
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Put));
        var path = scenario.Write(Name, WalSample.Segment(Name));

        var error = await Assert.ThrowsAsync<StorageException>(() => scenario.Push.PushAsync(path, default));
        Assert.Equal("r2", error.Repository);
        Assert.DoesNotContain(scenario.KeyOf(Name), await scenario.KeysAsync(2));

        var again = await scenario.Push.PushAsync(path, default);
        Assert.False(again.AlreadyStored);
        Assert.Contains(scenario.KeyOf(Name), await scenario.KeysAsync(2));
    }

    [Fact]
    public async Task Push_waits_for_the_slowest_repository()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushSegmentAsync("000000010000000000000002");
        var slow = scenario.Stores[1].Inject(StoreFault.Hold(StoreOperation.Put));

        var pushing = scenario.PushSegmentAsync(Name);
        await slow.Reached;
        Assert.False(pushing.IsCompleted);
        slow.Release();
        await pushing;

        Assert.Contains(scenario.KeyOf(Name), await scenario.KeysAsync(2));
    }

    [Fact]
    public async Task A_push_that_takes_longer_than_its_deadline_fails_instead_of_hanging()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync("000000010000000000000002");
        var stuck = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Put));

        var pushing = scenario.PushSegmentAsync(Name);
        await stuck.Reached;
        scenario.Clock.Advance(scenario.Service.Settings.Wal.PushDeadline + TimeSpan.FromSeconds(1));

        var error = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => pushing);
        Assert.Contains(Name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_push_says_so()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync("000000010000000000000002");
        var stuck = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Put));
        using var cancellation = new CancellationTokenSource();

        var pushing = scenario.Push.PushAsync(scenario.Write(Name, WalSample.Segment(Name)), cancellation.Token);
        await stuck.Reached;
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pushing);
    }

    [Fact]
    public async Task Histories_backup_histories_and_partial_segments_take_the_same_way()
    {
        await using var scenario = await Scenario.StartAsync();
        var files = new Dictionary<string, byte[]>
        {
            ["00000002.history"] = System.Text.Encoding.ASCII.GetBytes(WalSample.History((1, new Lsn(0x300000)))),
            ["000000010000000000000002.00000028.backup"] = System.Text.Encoding.ASCII.GetBytes(WalSample.BackupHistory()),
            [Name + ".partial"] = WalSample.Segment(Name),
        };

        foreach (var (name, content) in files)
        {
            var path = scenario.Write(name, content);
            Assert.False((await scenario.Push.PushAsync(path, default)).AlreadyStored);
            Assert.True((await scenario.Push.PushAsync(path, default)).AlreadyStored);
            Assert.Equal(content, await scenario.Get.ReadAsync(WalFileName.Parse(name), default));
        }
    }

    [Fact]
    public async Task A_second_history_of_the_same_timeline_is_a_conflict()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushTextAsync("00000002.history", WalSample.History((1, new Lsn(0x300000))));

        await Assert.ThrowsAsync<ConflictException>(() => scenario.PushTextAsync("00000002.history", WalSample.History((1, new Lsn(0x400000)))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    [InlineData(64)]
    public async Task Every_segment_size_is_archived_and_comes_back(int mebibytes)
    {
        await using var scenario = await Scenario.StartAsync();
        var content = WalSample.Segment(Name, size: mebibytes << 20);

        await scenario.Push.PushAsync(scenario.Write(Name, content), default);

        var stored = await scenario.Get.ReadAsync(WalFileName.Parse(Name), default);
        Assert.True(content.AsSpan().SequenceEqual(stored));
    }

    [Theory]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Segments_of_every_supported_version_are_taken(int version)
    {
        await using var scenario = await Scenario.StartAsync();
        var page = WalSample.Golden($"wal-segment-{version}");
        var header = Pitr.Postgres.Wal.WalSegmentHeader.Parse(page);
        var content = new byte[header.SegmentSize.Bytes];
        page.CopyTo(content, 0);
        var name = WalSegmentName.FromLsn(header.Timeline, header.PageAddress, header.SegmentSize).ToString();

        await scenario.Push.PushAsync(scenario.Write(name, content), default);

        var document = await new ServiceRegistry(scenario.Service).ReadAsync(scenario.Store, default);
        Assert.Equal((version, header.SegmentSize.Bytes), (document!.SystemIdentifiers[0].PostgresVersion, document.SystemIdentifiers[0].WalSegmentSize));
    }

    [Theory]
    [InlineData("RECOVERYXLOG", "is not a file that PostgreSQL archives")]
    [InlineData("00000001000000000000000G", "is not a file that PostgreSQL archives")]
    [InlineData("0000000100000000000000030", "is not a file that PostgreSQL archives")]
    [InlineData("000000010000000000000005", "its content is of 0/300000, its name means 0/500000")]
    [InlineData("000000020000000000000003.history", "is not a file that PostgreSQL archives")]
    [InlineData("00000002.history", "is not what its name says")]
    [InlineData("000000010000000000000003.00000028.backup", "is not what its name says")]
    public async Task A_segment_under_a_wrong_name_is_refused(string name, string reason)
    {
        await using var scenario = await Scenario.StartAsync();
        var path = scenario.Write(name, WalSample.Segment(Name));

        var error = await Assert.ThrowsAsync<RefusedInputException>(() => scenario.Push.PushAsync(path, default));

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(await scenario.KeysAsync(), k => k.Contains("/wal/", StringComparison.Ordinal));
    }

    public static TheoryData<string, Func<byte[], byte[]>, string> BadContent => new()
    {
        { "empty", _ => [], "0 bytes" },
        { "short", c => c[..^1], "1048575 bytes" },
        { "long", c => [.. c, 0], "1048577 bytes" },
        { "zeros", c => new byte[c.Length], "starts with zeros" },
        { "magic", c => { c[0] = 1; return c; }, "page magic" },
        { "older version", c => { BinaryPrimitives.WriteUInt16LittleEndian(c, 0xD106); return c; }, "page magic D106" },
        { "segment size", c => { BinaryPrimitives.WriteUInt32LittleEndian(c.AsSpan(32), 3 << 20); return c; }, "segment size" },
        { "later timeline", c => { c[4] = 9; return c; }, "timeline 9" },
    };

    [Theory]
    [MemberData(nameof(BadContent))]
    public async Task Content_that_is_not_this_segment_is_refused(string what, Func<byte[], byte[]> spoil, string reason)
    {
        await using var scenario = await Scenario.StartAsync();

        var error = await Assert.ThrowsAsync<RefusedInputException>(
            () => scenario.Push.PushAsync(scenario.Write(Name, spoil(WalSample.Segment(Name))), default));

        Assert.True(error.Message.Contains(reason, StringComparison.Ordinal), $"{what}: {error.Message}");
        Assert.DoesNotContain(await scenario.KeysAsync(), k => k.Contains("/wal/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_missing_file_and_a_huge_text_file_are_refused()
    {
        await using var scenario = await Scenario.StartAsync();

        await Assert.ThrowsAsync<RefusedInputException>(() => scenario.Push.PushAsync(Path.Combine(scenario["pg_wal"], Name), default));
        await Assert.ThrowsAsync<RefusedInputException>(() => scenario.PushTextAsync("00000002.history", new string('#', 2 << 20)));
    }

    [Theory]
    [InlineData(Name)]
    [InlineData("00000002.history")]
    public async Task A_place_that_is_no_repository_takes_nothing(string name)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        File.Delete(scenario.PathOf(RepositoryLayout.Repository, 2));
        var content = name == Name ? WalSample.Segment(Name) : System.Text.Encoding.ASCII.GetBytes(WalSample.History((1, new Lsn(0x300000))));

        var error = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => scenario.Push.PushAsync(scenario.Write(name, content), default));

        Assert.Contains("r2", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(await scenario.KeysAsync(2), k => k.Contains("/wal/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_first_segment_after_a_promotion_begins_with_its_parents_timeline()
    {
        await using var scenario = await Scenario.StartAsync();
        const string Promoted = "000000020000000000000003";
        var content = WalSample.Segment(Promoted, timeline: 1);

        await scenario.Push.PushAsync(scenario.Write(Promoted, content), default);

        Assert.Equal(content, await scenario.Get.ReadAsync(WalFileName.Parse(Promoted), default));
    }
}
