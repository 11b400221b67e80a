using System.Collections.Concurrent;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Streaming;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Streaming;

/// <summary>What is reported as durable, and when: never before as many repositories as are required have it.</summary>
public class ShipperTests
{
    const ulong First = 7;

    [Fact]
    public async Task Nothing_is_durable_before_every_required_repository_has_it()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await using var stream = new TestStream(scenario);
        var held = scenario.Stores[1].Inject(StoreFault.Hold(StoreOperation.Put).On(key => key.Contains(".parts/", StringComparison.Ordinal)));
        await stream.ReceiveAsync(20000);
        await held.Reached;
        Assert.DoesNotContain(stream.Durable, position => position > stream.Start);

        held.Release();
        await stream.IsDurableAsync(20000);
        Assert.Single(await scenario.KeysAsync(1, "services/main/wal/"));
        Assert.Single(await scenario.KeysAsync(2, "services/main/wal/"));
    }

    [Fact]
    public async Task One_of_two_is_enough_where_one_is_required_and_no_piece_is_owed()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        await using var stream = new TestStream(scenario);
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Put).On(key => key.Contains(".parts/", StringComparison.Ordinal)).Repeated(1000));
        await stream.ReceiveAsync(20000);
        await stream.IsDurableAsync(20000);
        Assert.DoesNotContain(scenario.Service.Repositories.Debts.Owed("r2"), debt => debt.Key.Contains(".parts/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_full_segment_takes_the_place_of_its_pieces_and_is_what_archive_command_stores()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var stream = new TestStream(scenario);
        await stream.ReceiveAsync(20000);
        await stream.IsDurableAsync(20000);
        await stream.ReceiveAsync(stream.Content.Length);
        await stream.IsDurableAsync(stream.Content.Length);
        await stream.EndAsync();
        await EventuallyAsync(async () => (await scenario.KeysAsync(1, "services/main/wal/")).Count == 1);
        Assert.Equal(stream.Content, await scenario.Get.ReadAsync(WalFileName.ForSegment(stream.Name), default));
        Assert.True((await scenario.Push.PushAsync(scenario.Write(stream.Name.ToString(), stream.Content), default)).AlreadyStored);
    }

    [Fact]
    public async Task While_no_commit_waits_WAL_is_collected()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var stream = new TestStream(scenario, isUrgent: false);
        await stream.ReceiveAsync(20000);
        await EventuallyAsync(() => Task.FromResult(scenario.Clock.Waiting > 0));
        Assert.DoesNotContain(stream.Durable, position => position > stream.Start);
        scenario.Clock.Advance(TimeSpan.FromSeconds(1));
        await stream.IsDurableAsync(20000);
    }

    [Fact]
    public async Task What_was_received_is_stored_when_the_server_is_gone()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var stream = new TestStream(scenario, isUrgent: false);
        await stream.ReceiveAsync(20000);
        await stream.EndAsync();
        using var read = await new SegmentAssembly(scenario.Service).TryReadAsync(stream.Name, default);
        Assert.True(read!.Span[..20000].SequenceEqual(stream.Content.AsSpan(0, 20000)));
    }

    [Fact]
    public async Task A_stream_begins_after_what_is_held_and_only_there()
    {
        await using var scenario = await Scenario.StartAsync();
        await using (var before = new TestStream(scenario))
        {
            await before.ReceiveAsync(20000);
            await before.IsDurableAsync(20000);
            await before.EndAsync();
        }

        var held = await HeldWal.ReadAsync(scenario.Service, new Timeline(1), WalSample.Small, First, default);
        await using var after = new TestStream(scenario, start: held.Begin(First));
        await after.ReceiveAsync(30000);
        await after.IsDurableAsync(20000);
        await after.IsDurableAsync(30000);
        await after.EndAsync();
        Assert.Equal(["00000000-00004E20", "00004E20-00007530"], (await scenario.KeysAsync(1, "services/main/wal/")).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Another_servers_WAL_in_the_same_place_is_a_conflict()
    {
        await using var scenario = await Scenario.StartAsync();
        await using (var before = new TestStream(scenario))
        {
            await before.ReceiveAsync(20000);
            await before.IsDurableAsync(20000);
            await before.EndAsync();
        }

        var held = await HeldWal.ReadAsync(scenario.Service, new Timeline(1), WalSample.Small, First, default);
        var after = new TestStream(scenario, seed: 2, start: held.Begin(First));
        await after.ReceiveAsync(30000);
        await Assert.ThrowsAsync<ConflictException>(after.EndAsync);
        Assert.Empty(after.Durable);
    }

    [Fact]
    public async Task What_is_held_is_what_as_many_as_are_required_hold()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var segment = new StreamedSegment(scenario, "000000010000000000000007");
        await segment.StoreAsync(0, 8192, 20000);
        await scenario.PushRunAsync(1, 5, 6);
        File.Delete(scenario.PathOf(segment.KeyOf(8192, 20000), 2));
        File.Delete(scenario.PathOf(scenario.KeyOf("000000010000000000000006"), 2));
        var held = await HeldWal.ReadAsync(scenario.Service, new Timeline(1), WalSample.Small, First, default);
        Assert.Equal(8192, held.Begin(First).Held);
        Assert.Equal(5UL, held.LastBefore(First));
        Assert.False(held.HasSegment(6));
    }

    static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await condition())
        {
            await Task.Delay(10, deadline.Token);
        }
    }

    /// <summary>A stream without a server: bytes of one segment come when the test says so.</summary>
    sealed class TestStream : IAsyncDisposable
    {
        readonly ReceivedWal _wal;
        readonly PieceCleaner _cleaner;
        readonly Task _shipping;
        int _received;

        public TestStream(Scenario scenario, bool isUrgent = true, int seed = 1, StreamStart? start = null)
        {
            start ??= new StreamStart(new Timeline(1), First, WalSample.Small);
            Name = WalSegmentName.FromNumber(new Timeline(1), First, WalSample.Small);
            Content = WalSample.Segment(Name.ToString(), seed);
            _wal = new ReceivedWal(start.Timeline, start.Position, start.SegmentSize);
            _cleaner = new PieceCleaner(scenario.Service);
            Start = start.Position;
            _shipping = new Shipper(
                scenario.Service,
                _wal,
                start,
                new PieceStore(scenario.Service, WalSample.SystemIdentifier),
                _cleaner,
                () => isUrgent,
                position =>
                {
                    Durable.Enqueue(position);
                    return Task.CompletedTask;
                }).RunAsync(default);
        }

        public WalSegmentName Name { get; }

        public byte[] Content { get; }

        public Lsn Start { get; }

        public ConcurrentQueue<Lsn> Durable { get; } = new();

        public async Task ReceiveAsync(int to)
        {
            await _wal.AppendAsync(Start + (ulong)_received, new MemoryStream(Content, _received, to - _received), default);
            _received = to;
        }

        public Task IsDurableAsync(int end) => EventuallyAsync(() => Task.FromResult(_shipping.IsFaulted || Durable.Contains(Start + (ulong)end)));

        public async Task EndAsync()
        {
            _wal.Complete();
            await _shipping;
        }

        public async ValueTask DisposeAsync()
        {
            await EndAsync();
            await _cleaner.DisposeAsync();
            _wal.Dispose();
        }
    }
}
