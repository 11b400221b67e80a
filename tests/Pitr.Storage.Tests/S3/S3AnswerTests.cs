using Pitr.Storage.Retry;
using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

/// <summary>What the S3 driver makes of answers: refusals, conditions, listings and checksums of servers that are wrong, strange or lie.</summary>
[Collection(S3Tests.Name)]
public sealed class S3AnswerTests(S3Server server) : S3FaultScenario(server)
{
    [Fact]
    public async Task Wrong_keys_are_refused_with_a_single_request()
    {
        const string Secret = "not-the-secret-of-this-server";
        Proxy.TroublesTrials = true;
        foreach (var (access, code) in ((string, string)[])[(Server.AccessKey, "SignatureDoesNotMatch"), ("nobody", "InvalidAccessKeyId")])
        {
            await using var retrying = new RetryingObjectStore(
                new S3ObjectStore("offsite", Options with { Credentials = S3Credentials.Static(access, Secret) }, TimeProvider.System),
                Patient, TimeProvider.System);
            var seen = 0;
            Proxy.Fault = _ =>
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

        Assert.Null(await Store.StatAsync(Key, None));
    }

    [Fact]
    public async Task Clocks_that_are_apart_are_both_named()
    {
        Proxy.Fault = request => request.Method == "HEAD"
            ? ProxyFault.Status("403 Forbidden", "Date: Sat, 01 Jan 2000 00:00:00 GMT")
            : ProxyFault.Body(
                "403 Forbidden",
                "<?xml version=\"1.0\"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>",
                "Date: Sat, 01 Jan 2000 00:00:00 GMT");
        var clock = new TestClock(new DateTimeOffset(2026, 11, 21, 3, 15, 0, TimeSpan.Zero));
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
                    await (racer % 2 == 0 ? Store : other).PutAsync(key, Contents.Streamed(Contents.Bytes(Part + 1000, racer)), PutMode.CreateNew, None);
                    return racer;
                }
                catch (ObjectExistsException)
                {
                    return -1;
                }
            }));
            var winner = Assert.Single(outcomes, outcome => outcome >= 0);
            Assert.Equal(Contents.Bytes(Part + 1000, winner), await Store.ReadAllAsync(key, None));
        }
    }

    [Fact]
    public async Task A_listing_of_a_hundred_thousand_keys_is_complete_and_broken_pages_are_asked_for_again()
    {
        const int Pages = 100;
        var broken = 0;
        Proxy.Fault = request =>
        {
            var token = request.Target.Split('&', '?').FirstOrDefault(part => part.StartsWith("continuation-token=", StringComparison.Ordinal));
            var page = token is null ? 0 : int.Parse(token.Split('=')[1]);
            if (page == 50 && Interlocked.Increment(ref broken) == 1)
            {
                return ProxyFault.Status("503 Slow Down");
            }

            var keys = string.Concat(Enumerable.Range(page * 1000, 1000).Select(i =>
                $"<Contents><Key>{Place.Prefix}/many/{i:D8}</Key><LastModified>2026-11-21T03:15:00.123Z</LastModified><Size>{i}</Size></Contents>"));
            return ProxyFault.Body("200 OK", $"""
                <?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{Place.Bucket}</Name><KeyCount>1000</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>{(page < Pages - 1 ? "true" : "false")}</IsTruncated>{(page < Pages - 1 ? $"<NextContinuationToken>{page + 1}</NextContinuationToken>" : "")}{keys}</ListBucketResult>
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
        Proxy.Fault = _ => ProxyFault.Body("200 OK", $"""
            <?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>
            <Contents><Key>{Place.Prefix}/a</Key><Size>1</Size></Contents><Contents><Key>{Place.Prefix}/a</Key><Size>1</Size></Contents></ListBucketResult>
            """);
        var error = await Assert.ThrowsAsync<StorageException>(() => Store.KeysAsync());
        Assert.False(error.IsTransient);
    }

    [Fact]
    public async Task What_is_no_s3_server_is_said_so()
    {
        Proxy.Fault = _ => ProxyFault.Body("200 OK", "<html><body>Welcome!</body></html>");
        foreach (var attempt in (Func<Task>[])[
            () => Store.KeysAsync("a/"),
            () => Store.StatAsync(Key, None),
            () => Store.ReadAllAsync(Key, None),
            () => Store.PutAsync(Key, Contents.Bytes(10), PutMode.Replace, None)])
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
        Proxy.TroublesTrials = true;
        Proxy.Fault = request =>
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
        Assert.True(Store.Capabilities.AtomicCreateIfAbsent);
        await Store.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.False(Store.Capabilities.AtomicCreateIfAbsent);
        Assert.Contains("ignores If-None-Match", Store.Capabilities.Remark, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ObjectExistsException>(() => Store.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None));
    }

    [Theory]
    [InlineData("0cc175b9c0f1b6a831c399e269772661", true)]
    [InlineData("0123456789abcdef0123456789abcdef", false)]
    [InlineData("0123456789abcdef0123456789abcdef-1", true)]
    public async Task What_is_read_whole_is_held_against_an_ETag_that_is_its_MD5(string tag, bool fits)
    {
        Proxy.Fault = request => ProxyFault.Body("200 OK", "a", $"ETag: \"{tag}\"", "Last-Modified: Sat, 21 Nov 2026 03:15:00 GMT");
        if (fits)
        {
            Assert.Equal("a"u8.ToArray(), await Store.ReadAllAsync(Key, None));
            return;
        }

        var error = await Assert.ThrowsAsync<StorageException>(() => Store.ReadAllAsync(Key, None));
        Assert.Contains("arrived changed", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_store_supports_can_be_asked()
    {
        var found = await Store.ExamineAsync(None);
        Assert.True(found.AtomicCreateIfAbsent);
        Assert.Equal(found, Store.Capabilities);
        Assert.Empty(await Store.KeysAsync());
        Assert.Equal(0, await Place.UnfinishedUploadsAsync());
    }
}
