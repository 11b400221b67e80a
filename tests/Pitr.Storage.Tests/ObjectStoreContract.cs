using Pitr.Storage.Limits;
using Pitr.Storage.Tests.Child;

namespace Pitr.Storage.Tests;

/// <summary>
/// Every promise of <see cref="IObjectStore"/>, as tests that each driver inherits. A driver gives an empty store per test. Here: what is put and read;
/// beside it what fails in the middle, and keys and listings.
/// </summary>
public abstract partial class ObjectStoreContract : IAsyncLifetime
{
    static readonly CancellationToken None = CancellationToken.None;

    /// <summary>The store under test: empty at first, nobody else's, and existing.</summary>
    protected IObjectStore Store { get; private set; } = null!;

    /// <summary>What <see cref="ChildProgram"/> takes to open the same store in another process.</summary>
    protected abstract string ChildStore { get; }

    /// <summary>Whether every operation costs a login, so that what is repeated often is repeated less.</summary>
    protected virtual bool IsSlow => false;

    /// <summary>Whether this test killed a process in the middle of its work, which may leave something invisible behind.</summary>
    protected bool KilledAProcess { get; private set; }

    public virtual async Task InitializeAsync() => Store = await OpenEmptyAsync();

    public virtual async Task DisposeAsync() => await Store.DisposeAsync();

    /// <summary>Makes a place for one test and opens it.</summary>
    protected abstract Task<IObjectStore> OpenEmptyAsync();

    /// <summary>Opens the place of this test once more, as another host would.</summary>
    protected abstract Task<IObjectStore> OpenAgainAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(300_000)]
    [InlineData(9_000_001)]
    public async Task What_is_put_is_read_listed_and_statted_as_it_was(int length)
    {
        var bytes = Contents.Bytes(length);
        await Store.PutAsync("services/main/wal/a", bytes, PutMode.CreateNew, None);
        await Store.PutAsync("services/main/wal/b", Contents.Streamed(bytes), PutMode.CreateNew, None);

        foreach (var key in (string[])["services/main/wal/a", "services/main/wal/b"])
        {
            Assert.Equal(bytes, await Store.ReadAllAsync(key, None));
            var info = await Store.StatAsync(key, None);
            Assert.Equal(key, info!.Key);
            Assert.Equal(length, info.Size);
        }

        var listed = await Store.ListAsync("services/main/wal/", ListMode.Children, None).ToListAsync();
        Assert.Equal([("services/main/wal/a", length, false), ("services/main/wal/b", length, false)],
            listed.Select(listing => (listing.Key, listing.Size, listing.IsPrefix)));
        Assert.Equal((await Store.StatAsync("services/main/wal/a", None))!.Modified, listed[0].Modified);
        Assert.InRange(listed[0].Modified, TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
    }

    [Fact]
    public async Task What_one_client_put_another_sees_at_once()
    {
        await using var other = await OpenAgainAsync();
        Assert.Null(await other.StatAsync("a/b", None));
        await Store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(10), await other.ReadAllAsync("a/b", None));
        Assert.Equal(["a/b"], await other.KeysAsync());
        await other.DeleteAsync("a/b", None);
        Assert.Null(await Store.StatAsync("a/b", None));
    }

    [Fact]
    public async Task Absent_is_an_answer()
    {
        await Store.PutAsync("a/b/c", Contents.Bytes(1), PutMode.CreateNew, None);
        foreach (var key in (string[])["x", "a/x", "a/b/x", "x/y/z", "a/b", "a", "a/b/c/d"])
        {
            Assert.Null(await Store.StatAsync(key, None));
            Assert.False(await Store.ExistsAsync(key, None));
            Assert.Null(await Store.TryReadAllAsync(key, None));
            var error = await Assert.ThrowsAsync<ObjectNotFoundException>(() => Store.OpenReadAsync(key, range: null, None));
            Assert.False(error.IsTransient);
            Assert.Equal(key, error.Key);
            Assert.Equal(Store.Name, error.Repository);
            Assert.Contains(key, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Create_new_refuses_a_taken_key_and_leaves_it_alone()
    {
        await Store.PutAsync("a/b", Contents.Bytes(100, 1), PutMode.CreateNew, None);
        var error = await Assert.ThrowsAsync<ObjectExistsException>(
            () => Store.PutAsync("a/b", Contents.Bytes(50, 2), PutMode.CreateNew, None));
        Assert.False(error.IsTransient);
        Assert.Equal("a/b", error.Key);
        Assert.Equal(Contents.Bytes(100, 1), await Store.ReadAllAsync("a/b", None));
        Assert.Equal(["a/b"], await Store.KeysAsync());
    }

    [Fact]
    public async Task Replace_takes_the_place_of_what_was_there_or_was_not()
    {
        await Store.PutAsync("a/b", Contents.Bytes(100, 1), PutMode.Replace, None);
        await Store.PutAsync("a/b", Contents.Bytes(50, 2), PutMode.Replace, None);
        Assert.Equal(Contents.Bytes(50, 2), await Store.ReadAllAsync("a/b", None));
        Assert.Equal(["a/b"], await Store.KeysAsync());
    }

    [Fact]
    public async Task Of_racing_creators_exactly_one_wins()
    {
        var atomic = Store.Capabilities.AtomicCreateIfAbsent;
        var rounds = IsSlow ? 4 : 25;
        await using var other = await OpenAgainAsync();
        for (var round = 0; round < rounds; round++)
        {
            var key = $"race/{round}/object";
            var arrived = 0;
            var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var racers = Enumerable.Range(0, 4).Select(async racer =>
            {
                // All have given half of their bytes before any may go on, so none can be refused early.
                var content = Contents.PausedHalfway(Contents.Bytes(2000, racer), _ => Arrive());
                try
                {
                    await (racer % 2 == 0 ? Store : other).PutAsync(key, content, PutMode.CreateNew, None);
                    return racer;
                }
                catch (ObjectExistsException)
                {
                    return -1;
                }
            }).ToArray();
            var outcomes = await Task.WhenAll(racers);
            var winners = outcomes.Where(outcome => outcome >= 0).ToArray();
            Assert.NotEmpty(winners);
            // A store that declares that it cannot decide may let several win, but what it has is one of them, whole.
            Assert.True(!atomic || winners.Length == 1, $"{winners.Length} creators won");
            var stored = await Store.ReadAllAsync(key, None);
            Assert.Contains(winners, winner => stored.AsSpan().SequenceEqual(Contents.Bytes(2000, winner)));

            Task Arrive()
            {
                if (Interlocked.Increment(ref arrived) == 4)
                {
                    gate.SetResult();
                }

                return gate.Task;
            }
        }

        Assert.Equal(rounds, (await Store.KeysAsync()).Length);
    }

    [Fact]
    public async Task A_reader_sees_the_old_object_or_the_new_one()
    {
        const int Length = 200_000;
        var versions = Enumerable.Range(0, 20).Select(seed => Contents.Bytes(Length, seed)).ToArray();
        await Store.PutAsync("a", versions[0], PutMode.Replace, None);
        using var done = new CancellationTokenSource();
        var reader = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                var seen = await Store.ReadAllAsync("a", None);
                Assert.Contains(versions, version => version.AsSpan().SequenceEqual(seen));
            }
        });
        foreach (var version in versions)
        {
            await Store.PutAsync("a", version, PutMode.Replace, None);
        }

        await done.CancelAsync();
        await reader;
    }

    [Fact]
    public async Task Ranges_give_exactly_what_was_asked_for()
    {
        var bytes = Contents.Bytes(100_000);
        await Store.PutAsync("a", bytes, PutMode.CreateNew, None);
        foreach (var (offset, length) in ((int, int)[])[(0, 104), (1, 1), (99_999, 1), (5000, 70_000), (0, 100_000), (50, 0), (100_000, 0)])
        {
            await using var stream = await Store.OpenReadAsync("a", new ByteRange(offset, length), None);
            using var all = new MemoryStream();
            await stream.CopyToAsync(all);
            Assert.Equal(bytes[offset..(offset + length)], all.ToArray());
        }
    }

    [Fact]
    public async Task A_read_may_be_synchronous()
    {
        var bytes = Contents.Bytes(100_000);
        await Store.PutAsync("a", bytes, PutMode.CreateNew, None);
        await using var stream = await Store.OpenReadAsync("a", new ByteRange(10, 99_000), None);
        var read = new byte[99_000];
        // The synchronous way on purpose: authenticating readers are synchronous.
#pragma warning disable CA1849
        stream.ReadExactly(read);
        Assert.Equal(-1, stream.ReadByte());
#pragma warning restore CA1849
        Assert.Equal(bytes[10..99_010], read);
    }

    [Theory]
    [InlineData(0, 101)]
    [InlineData(100, 1)]
    [InlineData(101, 0)]
    [InlineData(90, long.MaxValue - 90)]
    public async Task A_range_past_the_end_is_a_permanent_error(long offset, long length)
    {
        await Store.PutAsync("a", Contents.Bytes(100), PutMode.CreateNew, None);
        var error = await Assert.ThrowsAsync<StorageException>(() => Store.OpenReadAsync("a", new ByteRange(offset, length), None));
        Assert.False(error.IsTransient);
        Assert.Contains("100", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Contents_can_be_put_again()
    {
        using var directory = new TemporaryDirectory();
        var bytes = Contents.Bytes(2_500_000);
        await System.IO.File.WriteAllBytesAsync(directory["source"], bytes);
        foreach (var content in (ObjectContent[])[ObjectContent.FromMemory(bytes), ObjectContent.FromFile(directory["source"]), Contents.Streamed(bytes)])
        {
            await Store.PutAsync("a", content, PutMode.Replace, None);
            await Store.PutAsync("b", content, PutMode.Replace, None);
            Assert.Equal(bytes, await Store.ReadAllAsync("a", None));
            Assert.Equal(bytes, await Store.ReadAllAsync("b", None));
        }
    }

    [Fact]
    public async Task A_listing_of_names_has_the_same_keys()
    {
        foreach (var key in (string[])["a/b/c", "a/b-d", "a/e", "f"])
        {
            await Store.PutAsync(key, Contents.Bytes(10), PutMode.CreateNew, None);
        }

        Assert.Equal(await Store.KeysAsync(), await Store.KeysAsync(mode: ListMode.Names));
        Assert.Equal(["a/b-d", "a/b/c"], await Store.KeysAsync("a/b", ListMode.Names));
        Assert.All(await Store.ListAsync("", ListMode.Names, None).ToListAsync(), item => Assert.False(item.IsPrefix));
    }

    [Fact]
    public async Task Deleting_removes_the_object_and_nothing_else_and_may_be_repeated()
    {
        foreach (var key in (string[])["a/b/c", "a/b/d", "a/e"])
        {
            await Store.PutAsync(key, Contents.Bytes(10), PutMode.CreateNew, None);
        }

        await Store.DeleteAsync("a/b/c", None);
        await Store.DeleteAsync("a/b/c", None);
        await Store.DeleteAsync("x/y/z", None);
        await Store.DeleteAsync("a/b", None);
        Assert.Equal(["a/b/d", "a/e"], await Store.KeysAsync());
        await Store.DeleteAsync("a/b/d", None);
        Assert.Equal(["a/e"], await Store.KeysAsync("a/", ListMode.Children));
        await Store.DeleteAsync("a/e", None);
        Assert.Empty(await Store.KeysAsync(mode: ListMode.Children));

        await Store.PutAsync("a/b/c", Contents.Bytes(20), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(20), await Store.ReadAllAsync("a/b/c", None));
    }

    [Fact]
    public async Task Puts_and_deletes_side_by_side_do_not_disturb_each_other()
    {
        await using var other = await OpenAgainAsync();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async worker =>
        {
            var store = worker % 2 == 0 ? Store : other;
            for (var i = 0; i < (IsSlow ? 8 : 40); i++)
            {
                // The only object of its prefix most of the time, so that the prefix comes and goes.
                var key = $"shared/prefix/{worker}-{i}";
                await store.PutAsync(key, Contents.Bytes(10, i), PutMode.CreateNew, None);
                Assert.Equal(Contents.Bytes(10, i), await store.ReadAllAsync(key, None));
                await store.DeleteAsync(key, None);
            }
        }));
        Assert.Empty(await Store.KeysAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    [InlineData(9_000_001)]
    public async Task Each_byte_is_charged_once_to_the_limit_of_its_direction(int length)
    {
        var bytes = Contents.Bytes(length);
        var upload = new BandwidthLimit(1L << 40, TimeProvider.System);
        var download = new BandwidthLimit(1L << 40, TimeProvider.System);
        await using var limited = new BandwidthLimitedObjectStore(await OpenAgainAsync(), upload, download);
        await limited.PutAsync("a", bytes, PutMode.CreateNew, None);
        Assert.Equal(length, upload.Taken);
        await limited.PutAsync("b", Contents.Streamed(bytes), PutMode.CreateNew, None);
        Assert.Equal(2L * length, upload.Taken);
        Assert.Equal(0, download.Taken);
        Assert.Equal(bytes, await limited.ReadAllAsync("b", None));
        Assert.Equal(length, download.Taken);
    }

    [Fact]
    public void The_location_holds_no_secret_and_the_name_is_the_given_one()
    {
        Assert.True(Uri.TryCreate(Store.Location, UriKind.Absolute, out var url));
        Assert.Equal("", url.UserInfo);
        Assert.NotEmpty(Store.Name);
        Assert.True(Store.Capabilities is { AtomicReplace: true, ReadAfterWrite: true });
        Assert.True(Store.Capabilities is { AtomicCreateIfAbsent: true, DurableOnReturn: true } || Store.Capabilities.Remark is not null,
            "what a store cannot promise it must say in its remark");
    }
}
