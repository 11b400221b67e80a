using Pitr.Storage.File;
using Pitr.Storage.Limits;

namespace Pitr.Storage.Tests.Limits;

/// <summary>What a limit does to single operations; that every driver charges each byte once is in <see cref="ObjectStoreContract"/>.</summary>
public sealed class BandwidthLimitedObjectStoreTests : IDisposable
{
    const int Rate = 1_000_000;
    static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly CancellationToken None = CancellationToken.None;

    readonly TemporaryDirectory _directory = new();
    readonly TestClock _skipping = new(Start) { SkipsWaits = true };
    readonly TestClock _standing = new(Start);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_put_and_a_read_take_the_time_of_their_bytes()
    {
        var bytes = Contents.Bytes(3 * Rate);
        await using var store = Limited(new BandwidthLimit(Rate, _skipping), new BandwidthLimit(2 * Rate, _skipping));
        await store.PutAsync("memory", bytes, PutMode.CreateNew, None);
        var put = _skipping.GetUtcNow();
        Assert.InRange((put - Start).TotalSeconds, 2.7, 3.1);
        await store.PutAsync("stream", Contents.Streamed(bytes), PutMode.CreateNew, None);
        var streamed = _skipping.GetUtcNow();
        Assert.InRange((streamed - put).TotalSeconds, 2.7, 3.1);
        Assert.Equal(bytes, await store.ReadAllAsync("stream", None));
        Assert.InRange((_skipping.GetUtcNow() - streamed).TotalSeconds, 1.2, 1.6);
    }

    [Fact]
    public async Task Without_limits_nothing_waits()
    {
        await using var store = Limited(upload: null, download: null);
        await store.PutAsync("a", Contents.Bytes(3 * Rate), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(3 * Rate), await store.ReadAllAsync("a", None));
    }

    [Fact]
    public async Task A_put_that_waits_can_be_cancelled_and_leaves_nothing()
    {
        await using var store = Limited(new BandwidthLimit(Rate, _standing), download: null);
        using var cancellation = new CancellationTokenSource();
        var putting = store.PutAsync("a/b", Contents.Bytes(3 * Rate), PutMode.CreateNew, cancellation.Token);
        await _standing.SomebodyWaits;
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => putting);
        Assert.Empty(await store.KeysAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory.Path));
    }

    [Fact]
    public async Task A_read_that_waits_can_be_cancelled()
    {
        await using var store = Limited(upload: null, new BandwidthLimit(Rate, _standing));
        await store.PutAsync("a", Contents.Bytes(3 * Rate), PutMode.CreateNew, None);
        using var cancellation = new CancellationTokenSource();
        await using var stream = await store.OpenReadAsync("a", range: null, None);
        var reading = stream.CopyToAsync(Stream.Null, cancellation.Token);
        await _standing.SomebodyWaits;
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    BandwidthLimitedObjectStore Limited(BandwidthLimit? upload, BandwidthLimit? download) =>
        new(new FileObjectStore("test", _directory.Path, TimeProvider.System), upload, download);
}
