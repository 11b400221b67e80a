using System.Globalization;
using Pitr.Storage.File;
using Pitr.Storage.Tests.Child;

namespace Pitr.Storage.Tests.File;

/// <summary>What the file driver promises beyond the contract.</summary>
public sealed class FileObjectStoreTests : IDisposable
{
    static readonly CancellationToken None = CancellationToken.None;

    readonly TemporaryDirectory _directory = new();

    string Root => _directory["repository"];

    public void Dispose() => _directory.Dispose();

    FileObjectStore Open(TimeProvider? timeProvider = null) => new("local", Root, timeProvider);

    [Fact]
    public async Task Files_are_named_by_their_keys_and_are_their_owners_alone()
    {
        await using var store = Open();
        await store.PutAsync("services/main/service.json", Contents.Bytes(300_000), PutMode.CreateNew, None);
        var file = Path.Combine(Root, "services/main/service.json");
        Assert.Equal(Contents.Bytes(300_000), await System.IO.File.ReadAllBytesAsync(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(file));
        foreach (var directory in (string[])[Root, Path.Combine(Root, "services"), Path.Combine(Root, "services/main")])
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, System.IO.File.GetUnixFileMode(directory));
        }
    }

    [Fact]
    public async Task A_missing_root_is_unknown_not_empty_and_only_a_put_makes_it()
    {
        await using var store = new FileObjectStore("local", _directory["not/mounted/repository"]);
        await Check(() => store.StatAsync("a", None));
        await Check(() => store.OpenReadAsync("a", range: null, None));
        await Check(() => store.DeleteAsync("a", None));
        await Check(() => store.ListAsync("", ListMode.Recursive, None).ToListAsync());
        await Check(() => store.ListAsync("a/", ListMode.Children, None).ToListAsync());
        Assert.True(store.Capabilities.DurableOnReturn);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory.Path));

        await store.PutAsync("a", Contents.Bytes(1), PutMode.CreateNew, None);
        Assert.Equal(["a"], await store.KeysAsync());

        async Task Check(Func<Task> operation)
        {
            var error = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.Contains(store.RootDirectory, error.Message, StringComparison.Ordinal);
            Assert.Contains("does not exist", error.Message, StringComparison.Ordinal);
            Assert.Contains("mount", error.Hint, StringComparison.Ordinal);
            Assert.False(error.IsTransient);
        }
    }

    [Fact]
    public async Task A_root_that_vanished_is_not_made_again()
    {
        await using var store = Open();
        await store.PutAsync("a", Contents.Bytes(1), PutMode.CreateNew, None);
        Directory.Move(Root, _directory["elsewhere"]);
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("b", Contents.Bytes(1), PutMode.CreateNew, None));
        Assert.Contains("unmounted", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Root));

        // What an unmounted disk leaves is an empty mount point.
        Directory.CreateDirectory(Root);
        await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("b", Contents.Bytes(1), PutMode.CreateNew, None));
        await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a", None));
        await Assert.ThrowsAsync<StorageException>(() => store.ListAsync("", ListMode.Recursive, None).ToListAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Root));

        Directory.Delete(Root);
        Directory.Move(_directory["elsewhere"], Root);
        await store.PutAsync("b", Contents.Bytes(1), PutMode.CreateNew, None);
        Assert.Equal(["a", "b"], await store.KeysAsync());
    }

    [Fact]
    public async Task A_root_that_held_nothing_may_be_replaced()
    {
        Directory.CreateDirectory(Root);
        await using var store = Open();
        Assert.Empty(await store.KeysAsync());
        Directory.Move(Root, _directory["elsewhere"]);
        Directory.CreateDirectory(Root);
        Assert.Empty(await store.KeysAsync());
        Directory.Delete(Root);
        await store.PutAsync("a", Contents.Bytes(1), PutMode.CreateNew, None);
        Assert.Equal(["a"], await store.KeysAsync());
    }

    [Fact]
    public async Task A_repository_mounted_anew_is_accepted()
    {
        await using var store = Open();
        await store.PutAsync("a", Contents.Bytes(1), PutMode.CreateNew, None);
        Directory.Move(Root, _directory["elsewhere"]);
        Directory.CreateDirectory(Root);
        await System.IO.File.WriteAllBytesAsync(Path.Combine(Root, "other"), []);
        await store.PutAsync("b", Contents.Bytes(1), PutMode.CreateNew, None);
        Assert.Equal(["b", "other"], await store.KeysAsync());
    }

    [Fact]
    public async Task The_root_may_be_a_link_and_nothing_below_it()
    {
        Directory.CreateDirectory(_directory["real"]);
        Directory.CreateSymbolicLink(Root, _directory["real"]);
        var outside = Directory.CreateDirectory(_directory["outside"]);
        await System.IO.File.WriteAllTextAsync(_directory["outside/secret"], "secret");
        await using var store = Open();
        await store.PutAsync("a/b", Contents.Bytes(1), PutMode.CreateNew, None);
        Directory.CreateSymbolicLink(Path.Combine(Root, "link"), outside.FullName);
        System.IO.File.CreateSymbolicLink(Path.Combine(Root, "a/file"), _directory["outside/secret"]);

        foreach (var key in (string[])["link/secret", "link/deeper/secret", "a/file"])
        {
            await Check(() => store.StatAsync(key, None));
            await Check(() => store.OpenReadAsync(key, range: null, None));
            await Check(() => store.DeleteAsync(key, None));
            await Check(() => store.PutAsync(key, Contents.Bytes(1), PutMode.CreateNew, None));
        }

        await Check(() => store.PutAsync("link/secret", Contents.Bytes(1), PutMode.Replace, None));
        await Check(() => store.ListAsync("", ListMode.Recursive, None).ToListAsync());
        await Check(() => store.ListAsync("link/", ListMode.Children, None).ToListAsync());
        await Check(() => store.ListAsync("a/", ListMode.Children, None).ToListAsync());
        Assert.Equal("secret", await System.IO.File.ReadAllTextAsync(_directory["outside/secret"]));
        Assert.Single(outside.EnumerateFileSystemInfos());
        Assert.Equal(Contents.Bytes(1), await store.ReadAllAsync("a/b", None));

        static async Task Check(Func<Task> operation)
        {
            var error = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.Contains("symbolic link", error.Message, StringComparison.Ordinal);
            Assert.Contains("bind mount", error.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Replacing_a_link_replaces_the_link_itself()
    {
        await System.IO.File.WriteAllTextAsync(_directory["secret"], "secret");
        Directory.CreateDirectory(Root);
        System.IO.File.CreateSymbolicLink(Path.Combine(Root, "a"), _directory["secret"]);
        await using var store = Open();
        await store.PutAsync("a", Contents.Bytes(5), PutMode.Replace, None);
        Assert.Equal(Contents.Bytes(5), await store.ReadAllAsync("a", None));
        Assert.Equal("secret", await System.IO.File.ReadAllTextAsync(_directory["secret"]));
    }

    [Fact]
    public async Task Unfinished_objects_are_invisible_and_removed_by_a_put_a_day_later()
    {
        await using (var store = Open())
        {
            await store.PutAsync("a/b", Contents.Bytes(1), PutMode.CreateNew, None);
        }

        using (var child = ChildProcess.Start("half", new Uri(Root).AbsoluteUri, "a/killed", "100000"))
        {
            await child.ReadLineAsync();
            await child.KillAsync();
        }

        var leftover = Assert.Single(Directory.GetFiles(Path.Combine(Root, "a"), ObjectKey.ReservedPrefix + "*"));
        var time = new TestClock(new DateTimeOffset(System.IO.File.GetLastWriteTimeUtc(leftover)) + RepositoryTree.LeftoverAge);
        await using (var store = Open(time))
        {
            Assert.Equal(["a/b"], await store.KeysAsync());
            Assert.Equal(["a/b"], await store.KeysAsync("a/", ListMode.Children));
            await store.PutAsync("a/c", Contents.Bytes(1), PutMode.CreateNew, None);
            Assert.True(System.IO.File.Exists(leftover), "one that may still be written is left alone");

            time.Advance(RepositoryTree.LeftoverAge);
            await store.PutAsync("other/c", Contents.Bytes(1), PutMode.CreateNew, None);
            Assert.True(System.IO.File.Exists(leftover));
            await store.PutAsync("a/d", Contents.Bytes(1), PutMode.CreateNew, None);
            Assert.False(System.IO.File.Exists(leftover));
            Assert.Equal(["a/b", "a/c", "a/d", "other/c"], await store.KeysAsync());
            Assert.DoesNotContain(leftover, store.Capabilities.Remark ?? "", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_does_not_belong_into_a_repository_is_left_alone_or_named()
    {
        await using var store = Open();
        await store.PutAsync("a", Contents.Bytes(1), PutMode.CreateNew, None);
        Directory.CreateDirectory(Path.Combine(Root, "lost+found"));
        await System.IO.File.WriteAllTextAsync(Path.Combine(Root, "line\nbreak"), "");
        Assert.Equal(["a"], await store.KeysAsync());
        Assert.Equal(["a"], await store.KeysAsync(mode: ListMode.Children));

        using var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(Root, "socket")));
        foreach (var operation in (Func<Task>[])
        [
            () => store.StatAsync("socket", None),
            () => store.OpenReadAsync("socket", range: null, None),
            () => store.ListAsync("", ListMode.Recursive, None).ToListAsync(),
        ])
        {
            var error = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.Equal("socket", error.Key);
        }
    }

    [Fact]
    public async Task An_object_is_not_a_prefix()
    {
        await using var store = Open();
        await store.PutAsync("a/b", Contents.Bytes(1), PutMode.CreateNew, None);
        foreach (var mode in Enum.GetValues<PutMode>())
        {
            foreach (var key in (string[])["a", "a/b/c", "a/b/c/d"])
            {
                var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync(key, Contents.Bytes(1), mode, None));
                Assert.False(error.IsTransient);
                Assert.Contains("prefix", error.Message, StringComparison.Ordinal);
            }
        }

        Assert.Equal(["a/b"], await store.KeysAsync());
    }

    [Fact]
    public async Task An_object_cut_while_it_is_read_is_an_error()
    {
        await using var store = Open();
        await store.PutAsync("a", Contents.Bytes(100_000), PutMode.CreateNew, None);
        await using var stream = await store.OpenReadAsync("a", range: null, None);
        var buffer = new byte[50_000];
        await stream.ReadExactlyAsync(buffer);
        await using (var file = System.IO.File.OpenWrite(Path.Combine(Root, "a")))
        {
            file.SetLength(60_000);
        }

        await stream.ReadExactlyAsync(buffer.AsMemory(0, 10_000));
        var error = await Assert.ThrowsAsync<StorageException>(async () => await stream.ReadExactlyAsync(buffer));
        Assert.Contains("60000", error.Message, StringComparison.Ordinal);
        Assert.Contains("40000 bytes early", error.Message, StringComparison.Ordinal);
    }

    [UnprivilegedFact]
    public async Task A_forbidden_directory_is_unknown_not_empty()
    {
        await using var store = Open();
        await store.PutAsync("a/b/c", Contents.Bytes(1), PutMode.CreateNew, None);
        System.IO.File.SetUnixFileMode(Path.Combine(Root, "a"), UnixFileMode.None);
        foreach (var operation in (Func<Task>[])
        [
            () => store.StatAsync("a/b/c", None),
            () => store.StatAsync("a/x", None),
            () => store.OpenReadAsync("a/b/c", range: null, None),
            () => store.PutAsync("a/x", Contents.Bytes(1), PutMode.CreateNew, None),
            () => store.DeleteAsync("a/b/c", None),
            () => store.ListAsync("", ListMode.Recursive, None).ToListAsync(),
            () => store.ListAsync("a/", ListMode.Children, None).ToListAsync(),
        ])
        {
            var error = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.False(error.IsTransient);
            Assert.Contains("Permission denied", error.Message, StringComparison.Ordinal);
            Assert.Contains(Environment.UserName, error.Hint, StringComparison.Ordinal);
        }
    }

    [UnprivilegedFact]
    public async Task A_directory_that_may_not_be_written_keeps_its_objects()
    {
        await using var store = Open();
        await store.PutAsync("a/b", Contents.Bytes(1), PutMode.CreateNew, None);
        System.IO.File.SetUnixFileMode(Path.Combine(Root, "a"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a/b", Contents.Bytes(2), PutMode.Replace, None));
        await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a/c", Contents.Bytes(2), PutMode.CreateNew, None));
        await Assert.ThrowsAsync<StorageException>(() => store.DeleteAsync("a/b", None));
        await Assert.ThrowsAsync<ObjectExistsException>(() => store.PutAsync("a/b", Contents.Bytes(2), PutMode.CreateNew, None));
        Assert.Equal(Contents.Bytes(1), await store.ReadAllAsync("a/b", None));
        Assert.Equal(["a/b"], await store.KeysAsync());
    }

    [Theory]
    [InlineData(LibC.ENOSPC, false, "free or add space")]
    [InlineData(LibC.EDQUOT, false, "free or add space")]
    [InlineData(LibC.EACCES, false, "let the user")]
    [InlineData(LibC.EROFS, false, "read-write")]
    [InlineData(LibC.EFBIG, false, "ulimit -f")]
    [InlineData(LibC.EMFILE, true, "ulimit -n")]
    [InlineData(LibC.EIO, true, "kernel log")]
    [InlineData(LibC.ESTALE, true, "mount it again")]
    [InlineData(LibC.ETIMEDOUT, true, null)]
    public void Errors_say_what_happened_to_which_object_why_and_what_to_do(int errno, bool transient, string? hint)
    {
        var error = new FileErrors("offsite", "/").From(errno, "a/b", "cannot write", "/mnt/a/b");
        Assert.StartsWith("repository \"offsite\", object \"a/b\": cannot write /mnt/a/b: ", error.Message, StringComparison.Ordinal);
        Assert.Equal("offsite", error.Repository);
        Assert.Equal("a/b", error.Key);
        Assert.Equal(transient, error.IsTransient);
        if (hint is not null)
        {
            Assert.Contains(hint, error.Hint, StringComparison.Ordinal);
        }

        if (errno == LibC.ENOSPC)
        {
            Assert.Matches(@"\(\d+ of \d+ bytes free\)", error.Message);
        }
    }

    [Fact]
    public void The_root_must_be_absolute()
    {
        var error = Assert.Throws<ArgumentException>(() => new FileObjectStore("local", "repository"));
        Assert.Contains("repository", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Times_are_those_of_the_files()
    {
        await using var store = Open();
        await store.PutAsync("a", Contents.Bytes(1), PutMode.CreateNew, None);
        var time = DateTime.Parse("2001-02-03T04:05:06.789Z", CultureInfo.InvariantCulture).ToUniversalTime();
        System.IO.File.SetLastWriteTimeUtc(Path.Combine(Root, "a"), time);
        Assert.Equal(time, (await store.StatAsync("a", None))!.Modified.UtcDateTime);
    }
}
