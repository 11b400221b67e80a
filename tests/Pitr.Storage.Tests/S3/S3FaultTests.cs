using Pitr.Storage.Retry;
using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

/// <summary>
/// What the S3 driver does when the network or the server fails. After each fault: no part of an object is visible, a second attempt
/// succeeds, and the message names repository, object and cause.
/// </summary>
[Collection(S3Tests.Name)]
public sealed class S3FaultTests(S3Server server) : IAsyncLifetime
{
    const int Part = (int)S3Options.MinPartSize;
    const string Key = "services/main/wal/object";

    static readonly CancellationToken None = CancellationToken.None;
    static readonly RetryPolicy Patient = new(TimeSpan.FromMinutes(2), TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200));

    readonly S3Place _place = S3Place.OfPrefix(server);
    readonly FaultProxy _proxy = new(server.Endpoint);
    S3ObjectStore _store = null!;

    S3Options Options => _place.Options with { Endpoint = _proxy.Endpoint, MultipartThreshold = Part, PartSize = Part, StallTimeout = TimeSpan.FromSeconds(20) };

    public Task InitializeAsync()
    {
        _store = new S3ObjectStore("offsite", Options, TimeProvider.System);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        await _proxy.DisposeAsync();
        var unfinished = await _place.UnfinishedUploadsAsync();
        await _place.DisposeAsync();
        Assert.Equal(0, unfinished);
    }

    [Theory]
    [InlineData(PutMode.CreateNew)]
    [InlineData(PutMode.Replace)]
    public async Task A_put_that_is_cut_leaves_what_was_there(PutMode mode)
    {
        var before = Contents.Bytes(10, seed: 2);
        if (mode == PutMode.Replace)
        {
            await _store.PutAsync(Key, before, PutMode.CreateNew, None);
        }

        _proxy.Once(request => request.IsPut(Key), new ProxyFault { CutRequestAfter = 1_000_000 });
        var error = await FailsAsync(() => _store.PutAsync(Key, Contents.Bytes(3_000_000), mode, None), transient: true);
        Assert.Contains("connection", error.Message, StringComparison.Ordinal);
        Assert.Equal(mode == PutMode.Replace ? before : null, await _store.TryReadAllAsync(Key, None));

        await _store.PutAsync(Key, Contents.Bytes(3_000_000), mode, None);
        Assert.Equal(Contents.Bytes(3_000_000), await _store.ReadAllAsync(Key, None));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cut_part_aborts_the_upload(bool inMemory)
    {
        var bytes = Contents.Bytes(2 * Part + 12345);
        var content = inMemory ? ObjectContent.FromMemory(bytes) : Contents.Streamed(bytes);
        _proxy.Once(request => request.IsPut("partNumber=2"), new ProxyFault { CutRequestAfter = 100_000 });
        await FailsAsync(() => _store.PutAsync(Key, content, PutMode.Replace, None), transient: true);
        Assert.Null(await _store.StatAsync(Key, None));
        Assert.Empty(await _store.KeysAsync());
        Assert.Equal(0, await _place.UnfinishedUploadsAsync());

        await _store.PutAsync(Key, content, PutMode.Replace, None);
        Assert.Equal(bytes, await _store.ReadAllAsync(Key, None));
        Assert.Contains(_proxy.Requests, request => request.Target.Contains("partNumber=3", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_source_that_fails_half_way_aborts_the_upload()
    {
        var content = Contents.PausedHalfway(Contents.Bytes(4 * Part), _ => throw new InvalidOperationException("the source failed"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => _store.PutAsync(Key, content, PutMode.Replace, None));
        Assert.Contains(_proxy.Requests, request => request.Method == "DELETE");
        Assert.Equal(0, await _place.UnfinishedUploadsAsync());
        Assert.Empty(await _store.KeysAsync());
    }

    [Fact]
    public async Task Parts_too_large_for_memory_are_streamed()
    {
        var limits = S3Limits.Default with { MaxBufferedPart = Part, MaxParts = 2 };
        await using var store = new S3ObjectStore("offsite", Options, TimeProvider.System, limits);
        var bytes = Contents.Bytes(3 * Part);
        await store.PutAsync(Key, Contents.Streamed(bytes), PutMode.Replace, None);
        Assert.Equal(bytes, await store.ReadAllAsync(Key, None));
        Assert.Equal([8L * 1024 * 1024, 7L * 1024 * 1024], _proxy.Requests.Where(request => request.IsPut("partNumber")).Select(request => request.Length));

        _proxy.Once(request => request.IsPut("partNumber=2"), new ProxyFault { FlipBit = true });
        var error = await FailsAsync(() => store.PutAsync(Key + "2", Contents.Streamed(bytes), PutMode.Replace, None), transient: true);
        Assert.Contains("arrived changed", error.Message, StringComparison.Ordinal);
        Assert.Null(await store.StatAsync(Key + "2", None));
    }

    [Fact]
    public async Task What_changes_on_the_way_is_refused()
    {
        _proxy.Once(request => request.IsPut(Key), new ProxyFault { FlipBit = true });
        await FailsAsync(() => _store.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None), transient: true);
        Assert.Null(await _store.StatAsync(Key, None));
        await _store.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_that_is_cut_is_an_error_and_not_an_end(bool synchronous)
    {
        var bytes = Contents.Bytes(3_000_000);
        await _store.PutAsync(Key, bytes, PutMode.CreateNew, None);
        _proxy.Once(request => request.IsGet(Key), new ProxyFault { CutAnswerAfter = 1_000_000 });
        var error = await FailsAsync(ReadAsync, transient: true);
        Assert.Contains("of 3000000 bytes", error.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, await _store.ReadAllAsync(Key, None));

        async Task ReadAsync()
        {
            await using var stream = await _store.OpenReadAsync(Key, range: null, None);
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
        _proxy.Once(request => request.IsGet(Key), new ProxyFault { HangAnswerAfter = 1_000_000 });
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
        _proxy.Times(2, request => request.IsPut(Key), ProxyFault.Status(status, headers));
        var notices = new List<RetryNotice>();
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow()) { SkipsWaits = true };
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
        _proxy.Fault = request => request.IsPut(Key) ? new ProxyFault { Hang = true } : null;
        await using var retrying = new RetryingObjectStore(
            store, new RetryPolicy(TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1)), TimeProvider.System);
        var error = await FailsAsync(() => retrying.PutAsync(Key, Contents.Bytes(1000), PutMode.Replace, None), transient: true);
        Assert.Contains("too slow", error.Message, StringComparison.Ordinal);
        Assert.Contains("gave up", error.Message, StringComparison.Ordinal);
        _proxy.Fault = _ => null;
        await retrying.PutAsync(Key, Contents.Bytes(1000), PutMode.Replace, None);
    }

    [Fact]
    public async Task A_put_whose_answer_is_lost_has_been_done_once()
    {
        var bytes = Contents.Bytes(2 * Part);
        await using var retrying = new RetryingObjectStore(new S3ObjectStore("offsite", Options, TimeProvider.System), Patient, TimeProvider.System);
        foreach (var (key, content) in ((string, ObjectContent)[])[(Key + 1, ObjectContent.FromMemory(bytes[..1000])), (Key + 2, Contents.Streamed(bytes))])
        {
            _proxy.Once(request => request.IsPut(key), new ProxyFault { LoseAnswer = true });
            await retrying.PutAsync(key, content, PutMode.CreateNew, None);
            Assert.Equal(content.Length, (await retrying.StatAsync(key, None))!.Size);
        }
    }

    [Fact]
    public async Task A_completion_whose_answer_is_lost_is_put_again()
    {
        var bytes = Contents.Bytes(2 * Part);
        await using var retrying = new RetryingObjectStore(new S3ObjectStore("offsite", Options, TimeProvider.System), Patient, TimeProvider.System);
        _proxy.Once(request => request.Method == "POST" && request.Target.Contains("uploadId", StringComparison.Ordinal), new ProxyFault { LoseAnswer = true });
        await retrying.PutAsync(Key, bytes, PutMode.Replace, None);
        Assert.Equal(bytes, await retrying.ReadAllAsync(Key, None));
    }

    [Fact]
    public async Task A_server_that_comes_back_is_used_again()
    {
        await _store.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None);
        await _proxy.StopAsync();
        var error = await FailsAsync(() => _store.StatAsync(Key, None), transient: true);
        Assert.Contains("no connection", error.Message, StringComparison.Ordinal);

        var failures = 0;
        await using var retrying = new RetryingObjectStore(
            new S3ObjectStore("offsite", Options, TimeProvider.System), Patient, TimeProvider.System, _ =>
            {
                if (++failures == 3)
                {
                    _proxy.Start();
                }
            });
        Assert.Equal(Contents.Bytes(1000), await retrying.ReadAllAsync(Key, None));
        Assert.Equal(3, failures);
        await _store.PutAsync(Key + 2, Contents.Bytes(1000), PutMode.CreateNew, None);
    }

    [Fact]
    public async Task Wrong_keys_are_refused_with_a_single_request()
    {
        const string Secret = "not-the-secret-of-this-server";
        _proxy.TroublesTrials = true;
        foreach (var (access, code) in ((string, string)[])[(server.AccessKey, "SignatureDoesNotMatch"), ("nobody", "InvalidAccessKeyId")])
        {
            await using var retrying = new RetryingObjectStore(
                new S3ObjectStore("offsite", Options with { Credentials = S3Credentials.Static(access, Secret) }, TimeProvider.System),
                Patient, TimeProvider.System);
            var seen = 0;
            _proxy.Fault = _ =>
            {
                seen++;
                return null;
            };
            var error = await FailsAsync(() => retrying.PutAsync(Key, Contents.Bytes(1000), PutMode.CreateNew, None), transient: false);
            Assert.Equal(1, seen);
            Assert.Contains(code, error.Message, StringComparison.Ordinal);
            Assert.Contains("access key", error.Hint, StringComparison.Ordinal);
            await FailsAsync(() => retrying.StatAsync(Key, None), transient: false);
            Assert.Equal(2, seen);
            Assert.DoesNotContain(Secret, error.ToString(), StringComparison.Ordinal);
        }

        Assert.Null(await _store.StatAsync(Key, None));
    }

    [Fact]
    public async Task Clocks_that_are_apart_are_both_named()
    {
        _proxy.Fault = request => request.Method == "HEAD"
            ? ProxyFault.Status("403 Forbidden", "Date: Sat, 01 Jan 2000 00:00:00 GMT")
            : ProxyFault.Body(
                "403 Forbidden",
                "<?xml version=\"1.0\"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>",
                "Date: Sat, 01 Jan 2000 00:00:00 GMT");
        var clock = new ManualTimeProvider(new DateTimeOffset(2026, 11, 21, 3, 15, 0, TimeSpan.Zero));
        await using var store = new S3ObjectStore("offsite", Options, clock);
        foreach (var attempt in (Func<Task>[])[
            () => store.PutAsync(Key, Contents.Bytes(1000), PutMode.Replace, None),
            () => store.StatAsync(Key, None),
            () => store.ReadAllAsync(Key, None)])
        {
            var error = await FailsAsync(attempt, transient: false);
            Assert.Contains("2026-11-21 03:15:00Z", error.Message, StringComparison.Ordinal);
            Assert.Contains("2000-01-01 00:00:00Z", error.Message, StringComparison.Ordinal);
            Assert.Contains("set the clock", error.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_missing_bucket_is_not_an_absent_object()
    {
        await using var store = new S3ObjectStore("offsite", Options with { Bucket = "no-such-bucket-anywhere" }, TimeProvider.System);
        foreach (var attempt in (Func<Task>[])[
            () => store.StatAsync(Key, None),
            () => store.ReadAllAsync(Key, None),
            () => store.PutAsync(Key, Contents.Bytes(1), PutMode.CreateNew, None),
            () => store.PutAsync(Key, Contents.Bytes(1), PutMode.Replace, None),
            () => store.ListAsync("", ListMode.Recursive, None).ToListAsync()])
        {
            var error = await Assert.ThrowsAsync<StorageException>(attempt);
            Assert.False(error.IsTransient);
            Assert.Contains("no bucket \"no-such-bucket-anywhere\"", error.Message, StringComparison.Ordinal);
            Assert.Contains("create the bucket", error.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Of_creators_of_one_large_object_exactly_one_wins()
    {
        await using var other = new S3ObjectStore("other", Options, TimeProvider.System);
        for (var round = 0; round < 3; round++)
        {
            var key = $"race/{round}";
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 4).Select(async racer =>
            {
                try
                {
                    await (racer % 2 == 0 ? _store : other).PutAsync(key, Contents.Streamed(Contents.Bytes(Part + 1000, racer)), PutMode.CreateNew, None);
                    return racer;
                }
                catch (ObjectExistsException)
                {
                    return -1;
                }
            }));
            var winner = Assert.Single(outcomes, outcome => outcome >= 0);
            Assert.Equal(Contents.Bytes(Part + 1000, winner), await _store.ReadAllAsync(key, None));
        }
    }

    [Fact]
    public async Task A_listing_of_a_hundred_thousand_keys_is_complete_and_broken_pages_are_asked_for_again()
    {
        const int Pages = 100;
        var broken = 0;
        _proxy.Fault = request =>
        {
            var token = request.Target.Split('&', '?').FirstOrDefault(part => part.StartsWith("continuation-token=", StringComparison.Ordinal));
            var page = token is null ? 0 : int.Parse(token.Split('=')[1]);
            if (page == 50 && Interlocked.Increment(ref broken) == 1)
            {
                return ProxyFault.Status("503 Slow Down");
            }

            var keys = string.Concat(Enumerable.Range(page * 1000, 1000).Select(i =>
                $"<Contents><Key>{_place.Prefix}/many/{i:D8}</Key><LastModified>2026-11-21T03:15:00.123Z</LastModified><Size>{i}</Size></Contents>"));
            return ProxyFault.Body("200 OK", $"""
                <?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{_place.Bucket}</Name><KeyCount>1000</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>{(page < Pages - 1 ? "true" : "false")}</IsTruncated>{(page < Pages - 1 ? $"<NextContinuationToken>{page + 1}</NextContinuationToken>" : "")}{keys}</ListBucketResult>
                """);
        };
        await using var retrying = new RetryingObjectStore(new S3ObjectStore("offsite", Options, TimeProvider.System), Patient, TimeProvider.System);
        var expected = 0;
        await foreach (var listing in retrying.ListAsync("many/", ListMode.Recursive, None))
        {
            Assert.Equal($"many/{expected:D8}", listing.Key);
            Assert.Equal(expected, listing.Size);
            expected++;
        }

        Assert.Equal(Pages * 1000, expected);
        Assert.Equal(2, broken);
    }

    [Fact]
    public async Task A_listing_out_of_order_is_refused()
    {
        _proxy.Fault = _ => ProxyFault.Body("200 OK", $"""
            <?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>
            <Contents><Key>{_place.Prefix}/a</Key><Size>1</Size></Contents><Contents><Key>{_place.Prefix}/a</Key><Size>1</Size></Contents></ListBucketResult>
            """);
        var error = await Assert.ThrowsAsync<StorageException>(() => _store.KeysAsync());
        Assert.False(error.IsTransient);
    }

    [Fact]
    public async Task What_is_no_s3_server_is_said_so()
    {
        _proxy.Fault = _ => ProxyFault.Body("200 OK", "<html><body>Welcome!</body></html>");
        foreach (var attempt in (Func<Task>[])[
            () => _store.KeysAsync("a/"),
            () => _store.StatAsync(Key, None),
            () => _store.ReadAllAsync(Key, None),
            () => _store.PutAsync(Key, Contents.Bytes(10), PutMode.Replace, None)])
        {
            var error = await Assert.ThrowsAsync<StorageException>(attempt);
            Assert.False(error.IsTransient);
            Assert.Contains("did not answer as an S3 server does", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_store_that_ignores_the_condition_is_found_out_and_asked_beforehand()
    {
        var kept = new Dictionary<string, long>(StringComparer.Ordinal);
        _proxy.TroublesTrials = true;
        _proxy.Fault = request =>
        {
            lock (kept)
            {
                switch (request.Method)
                {
                    case "PUT":
                        kept[request.Target] = request.Length;
                        return ProxyFault.Status("200 OK", "ETag: \"1\"");
                    case "HEAD" when kept.ContainsKey(request.Target):
                        return ProxyFault.Status("200 OK", "ETag: \"1\"", "Last-Modified: Sat, 21 Nov 2026 03:15:00 GMT");
                    default:
                        return ProxyFault.Status("404 Not Found");
                }
            }
        };
        Assert.True(_store.Capabilities.AtomicCreateIfAbsent);
        await _store.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.False(_store.Capabilities.AtomicCreateIfAbsent);
        Assert.Contains("ignores If-None-Match", _store.Capabilities.Remark, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ObjectExistsException>(() => _store.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None));
    }

    [Theory]
    [InlineData("0cc175b9c0f1b6a831c399e269772661", true)]
    [InlineData("0123456789abcdef0123456789abcdef", false)]
    [InlineData("0123456789abcdef0123456789abcdef-1", true)]
    public async Task What_is_read_whole_is_held_against_an_ETag_that_is_its_MD5(string tag, bool fits)
    {
        _proxy.Fault = request => ProxyFault.Body("200 OK", "a", $"ETag: \"{tag}\"", "Last-Modified: Sat, 21 Nov 2026 03:15:00 GMT");
        if (fits)
        {
            Assert.Equal("a"u8.ToArray(), await _store.ReadAllAsync(Key, None));
            return;
        }

        var error = await Assert.ThrowsAsync<StorageException>(() => _store.ReadAllAsync(Key, None));
        Assert.Contains("arrived changed", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_store_supports_can_be_asked()
    {
        var found = await _store.ExamineAsync(None);
        Assert.True(found.AtomicCreateIfAbsent);
        Assert.Equal(found, _store.Capabilities);
        Assert.Empty(await _store.KeysAsync());
        Assert.Equal(0, await _place.UnfinishedUploadsAsync());
    }

    async Task<StorageException> FailsAsync(Func<Task> attempt, bool transient)
    {
        var error = await Assert.ThrowsAsync<StorageException>(attempt);
        Assert.Equal(transient, error.IsTransient);
        Assert.Equal("offsite", error.Repository);
        Assert.StartsWith($"repository \"offsite\", object \"{Key}", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
        Assert.DoesNotContain(server.SecretKey, error.ToString(), StringComparison.Ordinal);
        return error;
    }
}
