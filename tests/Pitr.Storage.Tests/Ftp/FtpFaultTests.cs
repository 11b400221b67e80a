using System.Text;
using Pitr.Storage.Ftp;
using Pitr.Storage.Tests.Child;

namespace Pitr.Storage.Tests.Ftp;

/// <summary>What goes wrong with FTP servers, done to a real one.</summary>
public sealed class FtpFaultTests : IAsyncLifetime
{
    static readonly CancellationToken None = CancellationToken.None;

    FtpServer _server = null!;

    FtpOptions Options => _server.Options("repository");

    string Disk => Path.Combine(_server.Root, "repository");

    public async Task InitializeAsync()
    {
        _server = await FtpServer.StartOwnAsync();
        Directory.CreateDirectory(Disk);
        if (Environment.IsPrivilegedProcess)
        {
            // The server runs as another user then.
            System.IO.File.SetUnixFileMode(Disk, (UnixFileMode)0b111_111_111);
        }
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_server_that_goes_away_in_the_middle_of_a_put_leaves_no_object_and_a_second_attempt_succeeds()
    {
        await using var store = Open(Options);
        await store.PutAsync("before", Contents.Bytes(10), PutMode.CreateNew, None);
        var content = Contents.PausedHalfway(Contents.Bytes(3_000_000), _ => _server.StopAsync());
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a/b", content, PutMode.CreateNew, None));
        Require(error, transient: true, "a/b");
        error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a/b", None));
        Require(error, transient: true, "a/b");

        await _server.StartAsync();
        Assert.Null(await store.StatAsync("a/b", None));
        Assert.Equal(["before"], await store.KeysAsync());
        await store.PutAsync("a/b", Contents.Bytes(3_000_000), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(3_000_000), await store.ReadAllAsync("a/b", None));
    }

    [Fact]
    public async Task A_server_that_goes_away_in_the_middle_of_a_read_is_an_error_not_an_end()
    {
        await using var store = Open(Options);
        var bytes = Contents.Bytes(30_000_000);
        await store.PutAsync("a", bytes, PutMode.CreateNew, None);
        await using (var stream = await store.OpenReadAsync("a", range: null, None))
        {
            await stream.ReadExactlyAsync(new byte[100_000]);
            await _server.StopAsync();
            var error = await Assert.ThrowsAsync<StorageException>(() => stream.CopyToAsync(Stream.Null));
            Require(error, transient: true, "a");
            await Assert.ThrowsAsync<StorageException>(() => stream.CopyToAsync(Stream.Null));
        }

        await _server.StartAsync();
        Assert.Equal(bytes, await store.ReadAllAsync("a", None));
    }

    [Fact]
    public async Task A_wrong_password_is_tried_once_and_not_shown()
    {
        await using var proxy = new LineProxy(_server.Port);
        await using var store = Open(Options with { Port = proxy.Port, Tls = FtpTlsMode.None, Password = "wr0ng \"\\ pass" });
        var puts = Enumerable.Range(0, 3).Select(i => store.PutAsync($"a{i}", Contents.Bytes(10), PutMode.CreateNew, None)).ToArray();
        foreach (var put in puts)
        {
            var error = await Assert.ThrowsAsync<StorageException>(() => put);
            Require(error, transient: false, "a");
            Assert.Contains("530", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("wr0ng", error.ToString() + error.Hint, StringComparison.Ordinal);
        }

        Assert.Equal(1, proxy.Connections);
    }

    [Fact]
    public async Task The_password_is_in_no_process_list_and_no_environment()
    {
        await using var store = Open(Options);
        var curls = 0;
        var content = Contents.PausedHalfway(Contents.Bytes(1_000_000), async cancellationToken =>
        {
            foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
            {
                var commandLine = await ReadAsync(Path.Combine(process, "cmdline"), cancellationToken);
                Assert.DoesNotContain(_server.Password, commandLine, StringComparison.Ordinal);
                Assert.DoesNotContain(_server.Password, await ReadAsync(Path.Combine(process, "environ"), cancellationToken), StringComparison.Ordinal);
                curls += commandLine.StartsWith("curl\0-q\0", StringComparison.Ordinal) ? 1 : 0;
            }
        });
        await store.PutAsync("a", content, PutMode.CreateNew, None);
        Assert.NotEqual(0, curls);

        static async Task<string> ReadAsync(string path, CancellationToken cancellationToken)
        {
            try
            {
                return await System.IO.File.ReadAllTextAsync(path, Encoding.Latin1, cancellationToken);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // Gone meanwhile, or another user's.
                return "";
            }
        }
    }

    [Fact]
    public async Task Certificates_must_be_for_the_name_and_from_a_known_authority()
    {
        foreach (var options in (FtpOptions[])[Options with { Host = "other.localhost" }, Options with { CaFile = null }])
        {
            await using var store = Open(options);
            var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a", None));
            Require(error, transient: false, "a");
            Assert.Contains("certificate", error.Message, StringComparison.OrdinalIgnoreCase);
        }

        await using var missing = Open(Options with { CaFile = "/nonexistent/ca.pem" });
        Require(await Assert.ThrowsAsync<StorageException>(() => missing.StatAsync("a", None)), transient: false, "a");
    }

    [Fact]
    public async Task A_server_without_tls_is_refused_unless_told_otherwise()
    {
        var said = new List<string>();
        await using var proxy = new LineProxy(_server.Port, command: line =>
        {
            said.Add(line);
            return line.StartsWith("AUTH", StringComparison.Ordinal) ? "NONE" : line;
        });
        await using var store = Open(Options with { Port = proxy.Port });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a", None));
        Require(error, transient: false, "a");
        Assert.Contains("offers no TLS", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(said, line => line.StartsWith("USER", StringComparison.Ordinal) || line.StartsWith("PASS", StringComparison.Ordinal));

        await using var plain = Open(Options with { Port = proxy.Port, Tls = FtpTlsMode.None });
        Assert.Null(await plain.StatAsync("a", None));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("new/directory/a")]
    public async Task What_comes_while_its_absence_is_being_proven_is_there(string key)
    {
        foreach (var operation in (Func<IObjectStore, Task>[])
        [
            async store => Assert.Equal(3, (await store.StatAsync(key, None))!.Size),
            async store => Assert.Equal(3, (await store.ReadAllAsync(key, None)).Length),
        ])
        {
            // Whoever was told that there is no such object sees another process put it before the next command.
            var refusals = 0;
            await using var proxy = new LineProxy(_server.Port, answer: line =>
            {
                if (line.StartsWith("550", StringComparison.Ordinal) && refusals++ == 0)
                {
                    Directory.CreateDirectory(Path.Combine(Disk, Path.GetDirectoryName(key)!));
                    System.IO.File.WriteAllText(Path.Combine(Disk, key), "abc");
                }

                return line;
            });
            await using (var store = Open(Options with { Port = proxy.Port, Tls = FtpTlsMode.None }))
            {
                await operation(store);
            }

            Assert.NotEqual(0, refusals);
            Directory.Delete(Disk, recursive: true);
            Directory.CreateDirectory(Disk, (UnixFileMode)0b111_111_111);
        }
    }

    [Fact]
    public async Task Forbidden_is_not_absent()
    {
        await using var store = Open(Options);
        await store.PutAsync("a/b/c", Contents.Bytes(10), PutMode.CreateNew, None);
        var directory = Path.Combine(Disk, "a/b");
        System.IO.File.SetUnixFileMode(directory, UnixFileMode.None);
        try
        {
            Require(await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a/b/c", None)), transient: false, "a/b/c");
            Require(await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a/b/x", None)), transient: false, "a/b/x");
            Require(await Assert.ThrowsAsync<StorageException>(() => store.OpenReadAsync("a/b/x", range: null, None)), transient: false, "a/b/x");
            Require(await Assert.ThrowsAsync<StorageException>(() => store.DeleteAsync("a/b/c", None)), transient: false, "a/b/c");
            await Assert.ThrowsAsync<StorageException>(() => store.KeysAsync());
            await Assert.ThrowsAsync<StorageException>(() => store.KeysAsync("a/b/", ListMode.Children));
            System.IO.File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a/b/d", Contents.Bytes(10), PutMode.CreateNew, None));
            Require(error, transient: false, "a/b/d");
            Assert.IsNotType<ObjectExistsException>(error);
            Require(await Assert.ThrowsAsync<StorageException>(() => store.DeleteAsync("a/b/c", None)), transient: false, "a/b/c");
        }
        finally
        {
            System.IO.File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        Assert.Equal(["a/b/c"], await store.KeysAsync());
    }

    [Fact]
    public async Task A_missing_repository_is_not_an_empty_one()
    {
        await using var store = Open(_server.Options("missing/repository"));
        await Assert.ThrowsAsync<StorageException>(() => store.KeysAsync());
        await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a", None));
        await store.PutAsync("a", Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.Equal(["a"], await store.KeysAsync());
    }

    [Fact]
    public async Task An_object_is_no_prefix_and_a_prefix_no_object()
    {
        await using var store = Open(Options);
        await store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        Require(await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a/b/c", Contents.Bytes(10), PutMode.CreateNew, None)), transient: false, "a/b/c");
        Require(await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a", Contents.Bytes(10), PutMode.CreateNew, None)), transient: false, "a");
        Require(await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a", Contents.Bytes(10), PutMode.Replace, None)), transient: false, "a");
        Assert.Equal(["a/b"], await store.KeysAsync());
    }

    [Fact]
    public async Task A_silent_server_is_left_after_the_stall_timeout()
    {
        await using var silent = new LineProxy(server: null);
        await using var store = Open(Options with { Port = silent.Port, StallTimeout = TimeSpan.FromSeconds(1) });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync("a", None));
        Require(error, transient: true, "a");
        Assert.Contains("no progress", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_does_not_confirm_an_upload_is_left_after_the_stall_timeout()
    {
        // The answer to STOR after the data never arrives as one.
        await using var proxy = new LineProxy(_server.Port, answer: line => line.StartsWith("226", StringComparison.Ordinal) ? "226-later" : line);
        await using var store = Open(Options with { Port = proxy.Port, Tls = FtpTlsMode.None, StallTimeout = TimeSpan.FromSeconds(3) });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a", Contents.Bytes(10), PutMode.CreateNew, None));
        Require(error, transient: true, "a");
        await using var direct = Open(Options);
        Assert.Empty(await direct.KeysAsync());
    }

    [Fact]
    public async Task A_full_disk_is_said_to_be_one_and_leaves_nothing()
    {
        var storing = false;
        await using var proxy = new LineProxy(
            _server.Port,
            command: line =>
            {
                storing = line.StartsWith("STOR", StringComparison.Ordinal);
                return line;
            },
            answer: line => storing && line.StartsWith("226", StringComparison.Ordinal) ? "552 Disk quota exceeded" : line);
        await using var store = Open(Options with { Port = proxy.Port, Tls = FtpTlsMode.None });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None));
        Require(error, transient: false, "a/b");
        Assert.Contains("full", error.Hint, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Disk));
    }

    [Fact]
    public async Task An_upload_that_the_server_has_only_a_part_of_is_not_renamed()
    {
        await using var proxy = new LineProxy(
            _server.Port, answer: line => line.StartsWith(' ') ? line.Replace("size=100;", "size=99;", StringComparison.Ordinal) : line);
        await using var store = Open(Options with { Port = proxy.Port, Tls = FtpTlsMode.None });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a", Contents.Bytes(100), PutMode.CreateNew, None));
        Require(error, transient: true, "a");
        Assert.Contains("99", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Disk));
    }

    [Fact]
    public async Task A_server_with_nothing_but_LIST_serves()
    {
        await using var proxy = new LineProxy(
            _server.Port, command: line => line is "FEAT" || line.StartsWith("MLS", StringComparison.Ordinal) ? "XXXX" : line);
        await using var store = Open(Options with { Port = proxy.Port, Tls = FtpTlsMode.None });
        string[] keys = [".hidden/..dots", "a b/ c ", "a-b", "a/b", "a/c/-rf", "grüße/[x]*"];
        foreach (var key in keys)
        {
            await store.PutAsync(key, Contents.Bytes(100), PutMode.CreateNew, None);
        }

        await Assert.ThrowsAsync<ObjectExistsException>(() => store.PutAsync("a/b", Contents.Bytes(1), PutMode.CreateNew, None));
        Assert.Equal(keys, await store.KeysAsync());
        Assert.Equal(["a/b", "a/c/"], await store.KeysAsync("a/", ListMode.Children));
        Assert.Equal(100, (await store.StatAsync("a/c/-rf", None))!.Size);
        Assert.InRange((await store.StatAsync("a/b", None))!.Modified, TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        Assert.Null(await store.StatAsync("a/x", None));
        Assert.Null(await store.StatAsync("a/c", None));
        Assert.Null(await store.StatAsync("x/y", None));
        Assert.Equal(Contents.Bytes(100), await store.ReadAllAsync("grüße/[x]*", None));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => store.OpenReadAsync("a/x", range: null, None));
        foreach (var key in keys)
        {
            await store.DeleteAsync(key, None);
        }

        Assert.Empty(await store.KeysAsync(mode: ListMode.Children));
    }

    [Fact]
    public async Task Leftovers_of_killed_puts_are_removed_when_they_are_old()
    {
        await using var store = Open(Options);
        await store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        var old = Path.Combine(Disk, "a", ObjectKey.ReservedPrefix + "old");
        var fresh = Path.Combine(Disk, "a", ObjectKey.ReservedPrefix + "fresh");
        await System.IO.File.WriteAllTextAsync(old, "x");
        await System.IO.File.WriteAllTextAsync(fresh, "x");
        System.IO.File.SetLastWriteTimeUtc(old, TimeProvider.System.GetUtcNow().AddHours(-25).UtcDateTime);
        Assert.Equal(["a/b"], await store.KeysAsync());

        await using var another = Open(Options);
        await another.PutAsync("a/c", Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.False(System.IO.File.Exists(old));
        Assert.True(System.IO.File.Exists(fresh));
    }

    [Fact]
    public Task Memory_does_not_grow_with_the_object() => LargeObject.RequireLittleMemoryAsync(FtpChild.Describe(Options), PutMode.CreateNew);

    [Fact]
    public async Task A_refused_connection_is_transient_and_a_missing_curl_is_not()
    {
        await _server.StopAsync();
        await using var refused = Open(Options);
        Require(await Assert.ThrowsAsync<StorageException>(() => refused.StatAsync("a", None)), transient: true, "a");
        await using var missing = Open(Options with { CurlProgram = "/nonexistent/curl" });
        var error = await Assert.ThrowsAsync<StorageException>(() => missing.StatAsync("a", None));
        Require(error, transient: false, "a");
        Assert.Contains("/nonexistent/curl", error.Message, StringComparison.Ordinal);
    }

    static FtpObjectStore Open(FtpOptions options) => new("offsite", options, TimeProvider.System);

    void Require(StorageException error, bool transient, string key)
    {
        Assert.True(transient == error.IsTransient, error.ToString());
        Assert.Contains("offsite", error.Message, StringComparison.Ordinal);
        Assert.True(error.Key is null || error.Message.Contains(key, StringComparison.Ordinal), error.Message);
        Assert.DoesNotContain(_server.Password, error.ToString() + error.Hint, StringComparison.Ordinal);
    }
}
