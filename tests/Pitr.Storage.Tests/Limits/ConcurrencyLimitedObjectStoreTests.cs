using Pitr.Storage.File;
using Pitr.Storage.Limits;
using Pitr.Storage.Testing;

namespace Pitr.Storage.Tests.Limits;

/// <summary>Who holds a place, and that it comes back.</summary>
public sealed class ConcurrencyLimitedObjectStoreTests : IAsyncLifetime
{
    static readonly CancellationToken None = CancellationToken.None;

    readonly TemporaryDirectory _directory = new();
    FaultyObjectStore _inner = null!;

    public async Task InitializeAsync()
    {
        _inner = new FaultyObjectStore(new FileObjectStore("test", _directory.Path, TimeProvider.System));
        await _inner.PutAsync("a/object", Contents.Bytes(1000), PutMode.CreateNew, None);
    }

    public async Task DisposeAsync()
    {
        await _inner.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task No_more_operations_than_allowed_are_under_way()
    {
        var store = new ConcurrencyLimitedObjectStore(_inner, operations: 3);
        var inside = 0;
        var most = 0;
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => store.PutAsync(
            $"many/{i}",
            Contents.PausedHalfway(Contents.Bytes(100, i), async _ =>
            {
                var now = Interlocked.Increment(ref inside);
                InterlockedMax(ref most, now);
                if (now == 3)
                {
                    full.TrySetResult();
                }

                // Nobody leaves before the store was full once.
                await full.Task;
                Interlocked.Decrement(ref inside);
            }),
            PutMode.CreateNew,
            None)));
        Assert.Equal(3, most);
        Assert.Equal(20, (await store.KeysAsync("many/")).Length);
    }

    [Fact]
    public async Task A_stalled_reader_holds_its_place_until_it_is_disposed()
    {
        var store = new ConcurrencyLimitedObjectStore(_inner, operations: 1);
        var stream = await store.OpenReadAsync("a/object", range: null, None);
        var calls = _inner.Calls.Count;
        var waiting = store.StatAsync("a/object", None);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(calls, _inner.Calls.Count);
        await stream.DisposeAsync();
        Assert.Equal(1000, (await waiting)!.Size);
        // Disposing twice gives one place back, not two.
        await stream.DisposeAsync();
        await using var next = await store.OpenReadAsync("a/object", range: null, None);
        Assert.False(store.StatAsync("a/object", None).IsCompleted);
    }

    [Fact]
    public async Task Failures_give_their_place_back()
    {
        var store = new ConcurrencyLimitedObjectStore(_inner, operations: 1);
        foreach (var operation in Enum.GetValues<StoreOperation>())
        {
            _inner.Inject(StoreFault.FailBefore(operation));
        }

        await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a/object", None));
        await Assert.ThrowsAsync<StorageException>(() => store.OpenReadAsync("a/object", range: null, None));
        await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("b", Contents.Bytes(1), PutMode.Replace, None));
        await Assert.ThrowsAsync<StorageException>(() => store.DeleteAsync("a/object", None));
        await Assert.ThrowsAsync<StorageException>(() => store.KeysAsync());
        _inner.Heal();
        Assert.Equal(Contents.Bytes(1000), await store.ReadAllAsync("a/object", None));
    }

    [Fact]
    public async Task Who_gives_up_waiting_holds_no_place()
    {
        var store = new ConcurrencyLimitedObjectStore(_inner, operations: 1);
        await using (await store.OpenReadAsync("a/object", range: null, None))
        {
            using var cancellation = new CancellationTokenSource();
            var waiting = store.PutAsync("b", Contents.Bytes(1), PutMode.CreateNew, cancellation.Token);
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }

        Assert.Equal(["a/object"], await store.KeysAsync());
    }

    [Fact]
    public async Task What_a_listing_shows_can_be_worked_on_while_it_goes_on()
    {
        var store = new ConcurrencyLimitedObjectStore(_inner, operations: 1);
        await store.PutAsync("a/second", Contents.Bytes(10), PutMode.CreateNew, None);
        await foreach (var listing in store.ListAsync("a/", ListMode.Recursive, None))
        {
            await store.DeleteAsync(listing.Key, None);
        }

        Assert.Empty(await store.KeysAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void At_least_one_operation_is_allowed(int operations) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConcurrencyLimitedObjectStore(_inner, operations));

    static void InterlockedMax(ref int most, int value)
    {
        int before;
        while ((before = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, before) != before)
        {
        }
    }
}
