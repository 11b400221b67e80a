using Pitr.Storage.Limits;
using Pitr.Storage.Tests.Child;

namespace Pitr.Storage.Tests;

// Puts that fail, are cancelled or are killed: nothing half is ever seen.
public abstract partial class ObjectStoreContract
{
    [Theory]
    [InlineData(99_999)]
    [InlineData(100_001)]
    public async Task A_content_of_another_length_than_announced_is_not_stored(long announced)
    {
        var error = await Assert.ThrowsAsync<StorageException>(
            () => Store.PutAsync("a/b", Contents.Lying(Contents.Bytes(100_000), announced), PutMode.CreateNew, None));
        Assert.False(error.IsTransient);
        Assert.Null(await Store.StatAsync("a/b", None));
        Assert.Empty(await Store.KeysAsync());
    }

    [Fact]
    public async Task A_put_whose_source_fails_leaves_nothing()
    {
        var content = Contents.PausedHalfway(Contents.Bytes(100_000), _ => throw new InvalidOperationException("the source failed"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Store.PutAsync("a/b", content, PutMode.CreateNew, None));
        Assert.Null(await Store.StatAsync("a/b", None));
        Assert.Empty(await Store.KeysAsync());
        Assert.Empty(await Store.KeysAsync(mode: ListMode.Children));
    }

    [Theory]
    [InlineData(PutMode.CreateNew)]
    [InlineData(PutMode.Replace)]
    public async Task A_cancelled_put_leaves_what_was_there(PutMode mode)
    {
        if (mode == PutMode.Replace)
        {
            await Store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        }

        using var cancellation = new CancellationTokenSource();
        var content = Contents.PausedHalfway(Contents.Bytes(100_000), async cancellationToken =>
        {
            await cancellation.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.PutAsync("a/b", content, mode, cancellation.Token));
        Assert.Equal(mode == PutMode.Replace ? Contents.Bytes(10) : null, await Store.TryReadAllAsync("a/b", None));
        Assert.Equal(mode == PutMode.Replace ? ["a/b"] : [], await Store.KeysAsync());
        Assert.Equal(mode == PutMode.Replace ? ["a/"] : [], await Store.KeysAsync(mode: ListMode.Children));
    }

    [Fact]
    public async Task A_cancelled_token_stops_every_operation()
    {
        await Store.PutAsync("a", Contents.Bytes(10), PutMode.CreateNew, None);
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.StatAsync("a", cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.OpenReadAsync("a", range: null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.PutAsync("b", Contents.Bytes(10), PutMode.CreateNew, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.DeleteAsync("a", cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.ListAsync("", ListMode.Recursive, cancelled).ToListAsync());
        Assert.Equal(["a"], await Store.KeysAsync());
    }

    [Fact]
    public async Task A_process_killed_in_the_middle_of_a_put_leaves_no_object()
    {
        await Store.PutAsync("before", Contents.Bytes(10), PutMode.CreateNew, None);
        using (var child = ChildProcess.Start("half", ChildStore, "killed/object", "3000000"))
        {
            Assert.Equal("half", await child.ReadLineAsync());
            Assert.Null(await Store.StatAsync("killed/object", None));
            await child.KillAsync();
            KilledAProcess = true;
        }

        Assert.Null(await Store.StatAsync("killed/object", None));
        Assert.Equal(["before"], await Store.KeysAsync());
        await Store.PutAsync("killed/object", Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(10), await Store.ReadAllAsync("killed/object", None));
        Assert.Equal(["before", "killed/object"], await Store.KeysAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(15)]
    public async Task A_process_killed_anywhere_leaves_whole_objects_and_all_it_acknowledged(int acknowledgements)
    {
        const int Length = 400_000;
        var acknowledged = new List<int>();
        using (var child = ChildProcess.Start("loop", ChildStore, "killed/", Length.ToString()))
        {
            while (acknowledged.Count < acknowledgements)
            {
                acknowledged.Add(int.Parse(await child.ReadLineAsync()));
            }

            KilledAProcess = true;
            acknowledged.AddRange((await child.KillAsync()).Select(int.Parse));
        }

        var listed = (await Store.KeysAsync("killed/")).Select(key => int.Parse(key["killed/".Length..])).ToArray();
        Assert.Empty(acknowledged.Except(listed));
        foreach (var i in listed)
        {
            Assert.Equal(Contents.Bytes(Length, i), await Store.ReadAllAsync($"killed/{i:D6}", None));
        }
    }
}
