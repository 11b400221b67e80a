using Pitr.Storage.File;
using Pitr.Storage.Testing;

namespace Pitr.Storage.Tests.Testing;

public sealed class FaultyObjectStoreTests : IAsyncLifetime
{
    static readonly CancellationToken None = CancellationToken.None;

    readonly TemporaryDirectory _directory = new();
    FaultyObjectStore _store = null!;

    public async Task InitializeAsync()
    {
        _store = new FaultyObjectStore(new FileObjectStore("local", _directory["repository"]));
        await _store.PutAsync("a", Contents.Bytes(1000), PutMode.CreateNew, None);
        await _store.PutAsync("b", Contents.Bytes(1000), PutMode.CreateNew, None);
    }

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Failing_before_does_nothing_and_failing_after_does_it()
    {
        _store.Inject(StoreFault.FailBefore(StoreOperation.Put));
        Assert.True((await Assert.ThrowsAsync<StorageException>(() => _store.PutAsync("c", Contents.Bytes(1), PutMode.CreateNew, None))).IsTransient);
        Assert.Null(await _store.StatAsync("c", None));
        _store.Inject(StoreFault.FailAfter(StoreOperation.Put));
        await Assert.ThrowsAsync<StorageException>(() => _store.PutAsync("c", Contents.Bytes(1), PutMode.CreateNew, None));
        Assert.NotNull(await _store.StatAsync("c", None));

        _store.Inject(StoreFault.FailBefore(StoreOperation.Delete, new TimeoutException("slow")));
        await Assert.ThrowsAsync<TimeoutException>(() => _store.DeleteAsync("c", None));
        Assert.NotNull(await _store.StatAsync("c", None));
        _store.Inject(StoreFault.FailAfter(StoreOperation.Delete));
        await Assert.ThrowsAsync<StorageException>(() => _store.DeleteAsync("c", None));
        Assert.Null(await _store.StatAsync("c", None));
    }

    [Fact]
    public async Task Faults_choose_their_keys_and_times()
    {
        _store.Inject(StoreFault.FailBefore(StoreOperation.Stat).On(key => key == "a").After(1).Repeated(2));
        var outcomes = new List<string>();
        foreach (var key in (string[])["a", "b", "a", "b", "a", "a"])
        {
            try
            {
                await _store.StatAsync(key, None);
                outcomes.Add(key);
            }
            catch (StorageException)
            {
                outcomes.Add("!");
            }
        }

        Assert.Equal(["a", "b", "!", "b", "!", "a"], outcomes);
        Assert.Equal(6, _store.Calls.Count(call => call.Operation == StoreOperation.Stat));

        _store.Inject(StoreFault.FailBefore(StoreOperation.Stat).Repeated(int.MaxValue));
        await Assert.ThrowsAsync<StorageException>(() => _store.StatAsync("a", None));
        await Assert.ThrowsAsync<StorageException>(() => _store.StatAsync("b", None));
        _store.Heal();
        Assert.NotNull(await _store.StatAsync("a", None));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(999)]
    [InlineData(1000)]
    public async Task Reads_are_cut_or_end_where_told(int at)
    {
        _store.Inject(StoreFault.CutRead(at));
        await using (var stream = await _store.OpenReadAsync("a", range: null, None))
        {
            var read = new byte[at];
            await stream.ReadExactlyAsync(read);
            Assert.Equal(Contents.Bytes(1000)[..at], read);
            await Assert.ThrowsAsync<StorageException>(async () => await stream.ReadExactlyAsync(new byte[1]));
        }

        _store.Inject(StoreFault.TruncateRead(at));
        Assert.Equal(Contents.Bytes(1000)[..at], await _store.ReadAllAsync("a", None));
        Assert.Equal(Contents.Bytes(1000), await _store.ReadAllAsync("a", None));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(4321)]
    [InlineData(7999)]
    public async Task One_bit_is_flipped(int bit)
    {
        _store.Inject(StoreFault.FlipBit(bit));
        var read = await _store.ReadAllAsync("a", None);
        var expected = Contents.Bytes(1000);
        expected[bit / 8] ^= (byte)(1 << bit % 8);
        Assert.Equal(expected, read);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Listings_fail_after_as_many_lines_as_told(int lines)
    {
        _store.Inject(StoreFault.CutListing(lines));
        var seen = new List<string>();
        await Assert.ThrowsAsync<StorageException>(async () =>
        {
            await foreach (var listing in _store.ListAsync("", ListMode.Recursive, None))
            {
                seen.Add(listing.Key);
            }
        });
        Assert.Equal(((string[])["a", "b"])[..lines], seen);
    }

    [Fact]
    public async Task Held_operations_wait_until_released_or_cancelled()
    {
        var before = _store.Inject(StoreFault.Hold(StoreOperation.Put));
        var put = _store.PutAsync("c", Contents.Bytes(1), PutMode.CreateNew, None);
        await before.Reached;
        Assert.False(put.IsCompleted);
        Assert.Null(await _store.StatAsync("c", None));
        before.Release();
        await put;
        Assert.NotNull(await _store.StatAsync("c", None));

        var after = _store.Inject(StoreFault.HoldAfter(StoreOperation.Delete));
        using var cancellation = new CancellationTokenSource();
        var delete = _store.DeleteAsync("c", cancellation.Token);
        await after.Reached;
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => delete);
    }
}
