using Pitr.Storage.Retry;
using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

/// <summary>
/// What the S3 driver does when the network or the server fails. After each fault: no part of an object is visible, a second attempt
/// succeeds, and the message names repository, object and cause.
/// </summary>
[Collection(S3Tests.Name)]
public sealed class S3FaultTests(S3Server server) : S3FaultScenario(server)
{
    [Theory]
    [InlineData(PutMode.CreateNew)]
    [InlineData(PutMode.Replace)]
    public async Task A_put_that_is_cut_leaves_what_was_there(PutMode mode)
    {
        var before = Contents.Bytes(10, seed: 2);
        if (mode == PutMode.Replace)
        {
            await Store.PutAsync(Key, before, PutMode.CreateNew, None);
        }

        Proxy.Once(request => request.IsPut(Key), new ProxyFault { CutRequestAfter = 1_000_000 });
        var error = await FailsAsync(() => Store.PutAsync(Key, Contents.Bytes(3_000_000), mode, None), transient: true);
        Assert.Contains("connection", error.Message, StringComparison.Ordinal);
        Assert.Equal(mode == PutMode.Replace ? before : null, await Store.TryReadAllAsync(Key, None));

        await Store.PutAsync(Key, Contents.Bytes(3_000_000), mode, None);
        Assert.Equal(Contents.Bytes(3_000_000), await Store.ReadAllAsync(Key, None));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cut_part_aborts_the_upload(bool inMemory)
    {
        var bytes = Contents.Bytes(2 * Part + 12345);
        var content = inMemory ? ObjectContent.FromMemory(bytes) : Contents.Streamed(bytes);
        Proxy.Once(request => request.IsPut("partNumber=2"), new ProxyFault { CutRequestAfter = 100_000 });
        await FailsAsync(() => Store.PutAsync(Key, content, PutMode.Replace, None), transient: true);
        Assert.Null(await Store.StatAsync(Key, None));
        Assert.Empty(await Store.KeysAsync());
        Assert.Equal(0, await Place.UnfinishedUploadsAsync());

        await Store.PutAsync(Key, content, PutMode.Replace, None);
        Assert.Equal(bytes, await Store.ReadAllAsync(Key, None));
        Assert.Contains(Proxy.Requests, request => request.Target.Contains("partNumber=3", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_source_that_fails_half_way_aborts_the_upload()
    {
        var content = Contents.PausedHalfway(Contents.Bytes(4 * Part), _ => throw new InvalidOperationException("the source failed"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Store.PutAsync(Key, content, PutMode.Replace, None));
        Assert.Contains(Proxy.Requests, request => request.Method == "DELETE");
        Assert.Equal(0, await Place.UnfinishedUploadsAsync());
        Assert.Empty(await Store.KeysAsync());
    }

    [Fact]
    public async Task Parts_too_large_for_memory_are_streamed()
    {
        var limits = S3Limits.Default with { MaxBufferedPart = Part, MaxParts = 2 };
        await using var store = new S3ObjectStore("offsite", Options, TimeProvider.System, limits);
        var bytes = Contents.Bytes(3 * Part);
        await store.PutAsync(Key, Contents.Streamed(bytes), PutMode.Replace, None);
        Assert.Equal(bytes, await store.ReadAllAsync(Key, None));
        Assert.Equal([8L * 1024 * 1024, 7L * 1024 * 1024], Proxy.Requests.Where(request => request.IsPut("partNumber")).Select(request => request.Length));

        Proxy.Once(request => request.IsPut("partNumber=2"), new ProxyFault { FlipBit = true });
        var error = await FailsAsync(() => store.PutAsync(Key + "2", Contents.Streamed(bytes), PutMode.Replace, None), transient: true);
        Assert.Contains("arrived changed", error.Message, StringComparison.Ordinal);
        Assert.Null(await store.StatAsync(Key + "2", None));
    }

    [Fact]
    public async Task What_changes_on_the_way_is_refused()
    {
        Proxy.Once(request => request.IsPut(Key), new ProxyFault { FlipBit = true });
        await FailsAsync(() => Store.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None), transient: true);
        Assert.Null(await Store.StatAsync(Key, None));
        await Store.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_that_is_cut_is_an_error_and_not_an_end(bool synchronous)
    {
        var bytes = Contents.Bytes(3_000_000);
        await Store.PutAsync(Key, bytes, PutMode.CreateNew, None);
        Proxy.Once(request => request.IsGet(Key), new ProxyFault { CutAnswerAfter = 1_000_000 });
        var error = await FailsAsync(ReadAsync, transient: true);
        Assert.Contains("of 3000000 bytes", error.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, await Store.ReadAllAsync(Key, None));

        async Task ReadAsync()
        {
            await using var stream = await Store.OpenReadAsync(Key, range: null, None);
            if (synchronous)
            {
#pragma warning disable CA1849 // The synchronous way on purpose: authenticating readers are synchronous.
                stream.CopyTo(Stream.Null);
#pragma warning restore CA1849
            }
            else
            {
                await stream.CopyToAsync(Stream.Null);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_that_stalls_ends(bool synchronous)
    {
        await using var store = new S3ObjectStore("offsite", Options with { StallTimeout = TimeSpan.FromSeconds(1) }, TimeProvider.System);
        await store.PutAsync(Key, Contents.Bytes(3_000_000), PutMode.CreateNew, None);
        Proxy.Once(request => request.IsGet(Key), new ProxyFault { HangAnswerAfter = 1_000_000 });
        await FailsAsync(
            async () =>
            {
                await using var stream = await store.OpenReadAsync(Key, range: null, None);
                var buffer = new byte[3_000_000];
                if (synchronous)
                {
#pragma warning disable CA1849 // As above.
                    stream.ReadExactly(buffer);
#pragma warning restore CA1849
                }
                else
                {
                    await stream.ReadExactlyAsync(buffer);
                }
            },
            transient: true);
        Assert.Equal(3_000_000, (await store.ReadAllAsync(Key, None)).Length);
    }

    [Theory]
    [InlineData("500 Internal Server Error", null)]
    [InlineData("503 Slow Down", 7)]
    [InlineData("429 Too Many Requests", 30)]
    public async Task Passing_trouble_is_waited_out_for_as_long_as_the_store_asks(string status, int? retryAfter)
    {
        var headers = retryAfter is null ? [] : new[] { $"Retry-After: {retryAfter}" };
        Proxy.Times(2, request => request.IsPut(Key), ProxyFault.Status(status, headers));
        var notices = new List<RetryNotice>();
        var clock = new TestClock(TimeProvider.System.GetUtcNow()) { SkipsWaits = true };
        await using var retrying = new RetryingObjectStore(
            new S3ObjectStore("offsite", Options, TimeProvider.System), RetryPolicy.Default, clock, notices.Add);
        await retrying.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None);

        Assert.Equal(2, notices.Count);
        Assert.All(notices, notice =>
        {
            Assert.Equal(retryAfter, notice.Error.RetryAfter?.TotalSeconds);
            Assert.True(notice.Delay >= (notice.Error.RetryAfter ?? TimeSpan.Zero));
            Assert.Contains(status[..3], notice.Error.Message, StringComparison.Ordinal);
            Assert.NotNull(notice.Error.Hint);
        });
        Assert.Equal(Contents.Bytes(1000), await retrying.ReadAllAsync(Key, None));
    }

    [Fact]
    public async Task A_server_too_slow_for_the_deadline_is_given_up()
    {
        await using var store = new S3ObjectStore("offsite", Options with { RequestTimeout = TimeSpan.FromSeconds(2) }, TimeProvider.System);
        Proxy.Fault = request => request.IsPut(Key) ? new ProxyFault { Hang = true } : null;
        await using var retrying = new RetryingObjectStore(
            store, new RetryPolicy(TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1)), TimeProvider.System);
        var error = await FailsAsync(() => retrying.PutAsync(Key, Contents.Bytes(1000), PutMode.Replace, None), transient: true);
        Assert.Contains("too slow", error.Message, StringComparison.Ordinal);
        Assert.Contains("gave up", error.Message, StringComparison.Ordinal);
        Proxy.Fault = _ => null;
        await retrying.PutAsync(Key, Contents.Bytes(1000), PutMode.Replace, None);
    }

    [Fact]
    public async Task A_put_whose_answer_is_lost_has_been_done_once()
    {
        var bytes = Contents.Bytes(2 * Part);
        await using var retrying = new RetryingObjectStore(new S3ObjectStore("offsite", Options, TimeProvider.System), Patient, TimeProvider.System);
        foreach (var (key, content) in ((string, ObjectContent)[])[(Key + 1, ObjectContent.FromMemory(bytes[..1000])), (Key + 2, Contents.Streamed(bytes))])
        {
            Proxy.Once(request => request.IsPut(key), new ProxyFault { LoseAnswer = true });
            await retrying.PutAsync(key, content, PutMode.CreateNew, None);
            Assert.Equal(content.Length, (await retrying.StatAsync(key, None))!.Size);
        }
    }

    [Fact]
    public async Task A_completion_whose_answer_is_lost_is_put_again()
    {
        var bytes = Contents.Bytes(2 * Part);
        await using var retrying = new RetryingObjectStore(new S3ObjectStore("offsite", Options, TimeProvider.System), Patient, TimeProvider.System);
        Proxy.Once(request => request.Method == "POST" && request.Target.Contains("uploadId", StringComparison.Ordinal), new ProxyFault { LoseAnswer = true });
        await retrying.PutAsync(Key, bytes, PutMode.Replace, None);
        Assert.Equal(bytes, await retrying.ReadAllAsync(Key, None));
    }

    [Fact]
    public async Task A_server_that_comes_back_is_used_again()
    {
        await Store.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None);
        await Proxy.StopAsync();
        var error = await FailsAsync(() => Store.StatAsync(Key, None), transient: true);
        Assert.Contains("no connection", error.Message, StringComparison.Ordinal);

        var failures = 0;
        await using var retrying = new RetryingObjectStore(
            new S3ObjectStore("offsite", Options, TimeProvider.System), Patient, TimeProvider.System, _ =>
            {
                if (++failures == 3)
                {
                    Proxy.Start();
                }
            });
        Assert.Equal(Contents.Bytes(1000), await retrying.ReadAllAsync(Key, None));
        Assert.Equal(3, failures);
        await Store.PutAsync(Key + 2, Contents.Bytes(1000), PutMode.CreateNew, None);
    }
}
