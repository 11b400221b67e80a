using Pitr.Storage.File;
using Pitr.Storage.Retry;
using Pitr.Storage.Testing;

namespace Pitr.Storage.Tests.Retry;

public sealed class RetryingObjectStoreTests : IAsyncLifetime
{
    static readonly CancellationToken None = CancellationToken.None;
    static readonly RetryPolicy Policy = new(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8));

    readonly TemporaryDirectory _directory = new();
    readonly TestClock _time = new(DateTimeOffset.UnixEpoch) { SkipsWaits = true };
    readonly List<RetryNotice> _notices = [];
    FaultyObjectStore _faulty = null!;
    RetryingObjectStore _store = null!;

    public async Task InitializeAsync()
    {
        _faulty = new FaultyObjectStore(new FileObjectStore("local", _directory["repository"]));
        _store = Over(_faulty, _time, () => 1);
        await _faulty.PutAsync("present", Contents.Bytes(100_000), PutMode.CreateNew, None);
    }

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        _directory.Dispose();
    }

    RetryingObjectStore Over(IObjectStore inner, TimeProvider time, Func<double> random) => new(inner, Policy, time, _notices.Add, random);

    static Task Run(IObjectStore store, StoreOperation operation, CancellationToken cancellationToken = default) => operation switch
    {
        StoreOperation.List => store.ListAsync("", ListMode.Recursive, cancellationToken).ToListAsync(cancellationToken),
        StoreOperation.Stat => store.StatAsync("present", cancellationToken),
        StoreOperation.Read => store.ReadAllAsync("present", cancellationToken),
        StoreOperation.Put => store.PutAsync("new", Contents.Bytes(10), PutMode.CreateNew, cancellationToken),
        StoreOperation.Delete => store.DeleteAsync("present", cancellationToken),
        _ => throw new ArgumentOutOfRangeException(nameof(operation)),
    };

    public static TheoryData<StoreOperation> Operations => new(Enum.GetValues<StoreOperation>());

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Transient_errors_are_tried_again_with_growing_waits(StoreOperation operation)
    {
        _faulty.Inject(StoreFault.FailBefore(operation).Repeated(6));
        await Run(_store, operation);
        Assert.Equal([1, 2, 4, 8, 8, 8], _notices.Select(notice => notice.Delay.TotalSeconds));
        Assert.Equal([1, 2, 3, 4, 5, 6], _notices.Select(notice => notice.Attempt));
        Assert.All(_notices, notice => Assert.Equal(operation.ToString().ToLowerInvariant(), notice.Operation));
        Assert.All(_notices, notice => Assert.True(notice.Error.IsTransient));
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(31), _time.GetUtcNow());
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task After_the_deadline_the_last_error_says_how_often_it_was_tried(StoreOperation operation)
    {
        _faulty.Inject(StoreFault.FailBefore(operation).Repeated(int.MaxValue));
        var error = await Assert.ThrowsAsync<StorageException>(() => Run(_store, operation));
        Assert.True(error.IsTransient);
        Assert.Equal("local", error.Repository);
        // 1 + 2 + 4 + 8 + 8 + ... would pass 60 s with the eleventh wait.
        Assert.Contains("gave up after 10 attempts in 55 s", error.Message, StringComparison.Ordinal);
        Assert.IsType<StorageException>(error.InnerException);
        Assert.Equal(9, _notices.Count);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Permanent_and_foreign_errors_pass_at_once(StoreOperation operation)
    {
        foreach (var error in (Exception[])
        [
            new StorageException("local", "present", "is forbidden", isTransient: false), new InvalidOperationException("not a store's error"),
        ])
        {
            _faulty.Inject(StoreFault.FailBefore(operation, error));
            Assert.Same(error, await Assert.ThrowsAnyAsync<Exception>(() => Run(_store, operation)));
        }

        Assert.Empty(_notices);
    }

    [Fact]
    public async Task Answers_are_not_retried()
    {
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => _store.OpenReadAsync("absent", range: null, None));
        await Assert.ThrowsAsync<ObjectExistsException>(() => _store.PutAsync("present", Contents.Bytes(1), PutMode.CreateNew, None));
        await Assert.ThrowsAsync<StorageException>(() => _store.OpenReadAsync("present", new ByteRange(0, 1_000_000), None));
        Assert.Null(await _store.StatAsync("absent", None));
        Assert.Empty(_notices);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_cancelled_token_ends_the_wait_and_the_tries(StoreOperation operation)
    {
        var time = new TestClock(DateTimeOffset.UnixEpoch);
        var store = Over(_faulty, time, () => 1);
        _faulty.Inject(StoreFault.FailBefore(operation).Repeated(int.MaxValue));
        using var cancellation = new CancellationTokenSource();
        var calls = _faulty.Calls.Count;
        var running = Run(store, operation, cancellation.Token);
        await time.SomebodyWaits;
        Assert.False(running.IsCompleted);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(calls + 1, _faulty.Calls.Count);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Run(store, operation, cancellation.Token));
        Assert.Equal(calls + 1, _faulty.Calls.Count);
    }

    [Fact]
    public async Task An_error_that_comes_with_the_cancellation_is_not_retried()
    {
        using var cancellation = new CancellationTokenSource();
        var error = new StorageException("local", "present", "the connection was cut", isTransient: true);
        var content = Contents.PausedHalfway(Contents.Bytes(100), async _ =>
        {
            await cancellation.CancelAsync();
            throw error;
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _store.PutAsync("new", content, PutMode.CreateNew, cancellation.Token));
        Assert.Empty(_notices);
    }

    [Fact]
    public async Task Waits_are_spread_over_their_whole_length()
    {
        var draws = new Queue<double>([0, 0.25, 0.999]);
        var store = Over(_faulty, _time, draws.Dequeue);
        _faulty.Inject(StoreFault.FailBefore(StoreOperation.Stat).Repeated(3));
        await store.StatAsync("present", None);
        Assert.Equal([0, 0.5, 3.996], _notices.Select(notice => notice.Delay.TotalSeconds));
    }

    [Fact]
    public async Task A_retried_put_gives_the_whole_content_again()
    {
        var bytes = Contents.Bytes(300_000);
        var opened = 0;
        var failing = Contents.PausedHalfway(bytes, _ => ++opened < 3
            ? throw new StorageException("local", "new", "the connection was cut", isTransient: true)
            : Task.CompletedTask);
        await _store.PutAsync("new", failing, PutMode.CreateNew, None);
        Assert.Equal(3, opened);
        Assert.Equal(bytes, await _store.ReadAllAsync("new", None));
    }

    [Fact]
    public async Task A_put_that_was_done_although_it_failed_is_done()
    {
        _faulty.Inject(StoreFault.FailAfter(StoreOperation.Put));
        await _store.PutAsync("new", Contents.Streamed(Contents.Bytes(200_000)), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(200_000), await _store.ReadAllAsync("new", None));
        Assert.Single(_notices);
    }

    [Theory]
    [InlineData(200_000, 2)]
    [InlineData(199_999, 1)]
    public async Task A_put_that_lost_to_another_one_has_lost(int length, int seed)
    {
        // The first attempt fails without effect; before the second, somebody else takes the key.
        _faulty.Inject(StoreFault.FailBefore(StoreOperation.Put));
        var store = new RetryingObjectStore(
            _faulty, Policy, _time, _ => System.IO.File.WriteAllBytes(_directory["repository/new"], Contents.Bytes(length, seed)), () => 1);
        await Assert.ThrowsAsync<ObjectExistsException>(
            () => store.PutAsync("new", Contents.Bytes(200_000), PutMode.CreateNew, None));
        Assert.Equal(Contents.Bytes(length, seed), await store.ReadAllAsync("new", None));
    }

    [Fact]
    public async Task A_read_is_tried_again_until_its_first_bytes_are_there()
    {
        _faulty.Inject(StoreFault.CutRead(0));
        _faulty.Inject(StoreFault.FailAfter(StoreOperation.Read));
        Assert.Equal(Contents.Bytes(100_000), await _store.ReadAllAsync("present", None));
        Assert.Equal(2, _notices.Count);

        await using var stream = await _store.OpenReadAsync("present", new ByteRange(5, 20_000), None);
        var read = new byte[20_000];
        await stream.ReadExactlyAsync(read);
        Assert.Equal(Contents.Bytes(100_000)[5..20_005], read);
        Assert.Equal(0, await stream.ReadAsync(read));
    }

    [Fact]
    public async Task A_read_that_has_begun_fails_when_it_fails()
    {
        _faulty.Inject(StoreFault.CutRead(50_000));
        await using var stream = await _store.OpenReadAsync("present", range: null, None);
        var read = new byte[50_000];
        await stream.ReadExactlyAsync(read);
        Assert.Equal(Contents.Bytes(100_000)[..50_000], read);
        await Assert.ThrowsAsync<StorageException>(async () => await stream.ReadExactlyAsync(read));
        Assert.Empty(_notices);
    }

    [Fact]
    public async Task A_listing_goes_on_where_it_was_cut()
    {
        for (var i = 0; i < 10; i++)
        {
            await _store.PutAsync($"list/{i}", Contents.Bytes(1), PutMode.CreateNew, None);
        }

        _faulty.Inject(StoreFault.CutListing(4));
        _faulty.Inject(StoreFault.CutListing(4));
        _faulty.Inject(StoreFault.CutListing(0));
        _faulty.Inject(StoreFault.CutListing(10));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"list/{i}"), await _store.KeysAsync("list/"));
        // Progress starts the count anew: the fourth failure came after new lines.
        Assert.Equal([1, 2, 3, 1], _notices.Select(notice => notice.Attempt));
    }

    [Fact]
    public void Limits_double_up_to_the_longest()
    {
        Assert.Equal(TimeSpan.FromSeconds(1), Policy.LimitAfter(1));
        Assert.Equal(TimeSpan.FromSeconds(8), Policy.LimitAfter(4));
        Assert.Equal(TimeSpan.FromSeconds(8), Policy.LimitAfter(int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => Policy.LimitAfter(0));
    }

    [Fact]
    public async Task It_is_the_store_it_wraps_to_everyone_else()
    {
        Assert.Equal(_faulty.Name, _store.Name);
        Assert.Equal(_faulty.Location, _store.Location);
        Assert.Equal(_faulty.Capabilities, _store.Capabilities);
        await Assert.ThrowsAsync<ArgumentException>(() => _store.ListAsync("a//", ListMode.Recursive, None).ToListAsync());
    }
}
