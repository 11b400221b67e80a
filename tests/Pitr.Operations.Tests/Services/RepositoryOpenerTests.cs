using Pitr.Operations.Configuration;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.File;
using Pitr.Storage.Retry;
using Serilog.Core;

namespace Pitr.Operations.Tests.Services;

public sealed class RepositoryOpenerTests : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("pitr-opener-").FullName;

    [Fact]
    public async Task Opening_asks_for_nothing_and_a_secret_is_asked_for_again_until_it_is_there()
    {
        string? password = null;
        var asked = 0;
        await using var store = new DeferredObjectStore("offsite", "file:///x", () =>
        {
            asked++;
            return password is null
                ? throw new ConfigurationException(new ConfigurationProblem("pitr.yaml", 3, 7, "variable P is not set", "set it"))
                : new FileObjectStore("offsite", _root);
        });
        Assert.Equal(("offsite", "file:///x", 0), (store.Name, store.Location, asked));

        foreach (var operation in (Func<Task>[])
        [
            () => store.StatAsync("a", default),
            () => store.DeleteAsync("a", default),
            () => store.PutAsync("a", ObjectContent.FromMemory("x"u8.ToArray()), PutMode.CreateNew, default),
            () => store.OpenReadAsync("a", null, default),
            async () => await store.ListAsync("", ListMode.Recursive, default).GetAsyncEnumerator().MoveNextAsync(),
        ])
        {
            var e = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.Equal(("offsite", "set it", false), (e.Repository, e.Hint, e.IsTransient));
            Assert.Contains("pitr.yaml:3:7: variable P is not set", e.Message, StringComparison.Ordinal);
        }

        password = "there";
        await store.PutAsync("a", ObjectContent.FromMemory("x"u8.ToArray()), PutMode.CreateNew, default);
        Assert.Equal(1, (await store.StatAsync("a", default))!.Size);
        Assert.Equal(6, asked);
        Assert.True(store.Capabilities.AtomicCreateIfAbsent);
    }

    [Fact]
    public async Task A_store_that_was_never_used_closes_without_being_made()
    {
        var store = new DeferredObjectStore("offsite", "file:///x", () => throw new InvalidOperationException("made"));
        await store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.StatAsync("a", default));
    }

    [Fact]
    public async Task Limits_stand_below_the_retries()
    {
        var settings = new RepositorySettings("local", FileDriverSettings.Of(_root), RetrySettings.Default, new LimitSettings(1_000_000, 1_000_000, 1));
        await using var store = RepositoryOpener.Open(settings, TimeProvider.System, Logger.None);
        Assert.IsType<RetryingObjectStore>(store);
        await store.PutAsync("a", ObjectContent.FromMemory("x"u8.ToArray()), PutMode.CreateNew, default);

        // The one place is taken until the stream is closed.
        var reading = await store.OpenReadAsync("a", null, default);
        var waiting = store.StatAsync("a", default);
        Assert.False(waiting.IsCompleted);
        await reading.DisposeAsync();
        Assert.Equal(1, (await waiting)!.Size);
    }

    [Fact]
    public async Task A_directory_keeps_its_odd_characters()
    {
        var directory = Path.Combine(_root, "a b%#?ü");
        await using var store = RepositoryOpener.Open(
            new RepositorySettings("local", FileDriverSettings.Of(directory), RetrySettings.Default, LimitSettings.None), TimeProvider.System, Logger.None);

        await store.PutAsync("a", ObjectContent.FromMemory("x"u8.ToArray()), PutMode.CreateNew, default);

        Assert.True(File.Exists(Path.Combine(directory, "a")));
        Assert.Equal(directory, new Uri(store.Location).LocalPath);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
