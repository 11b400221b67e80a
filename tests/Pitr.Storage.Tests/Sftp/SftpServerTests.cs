using Pitr.Storage.Sftp;
using Pitr.Storage.Tests.File;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>Servers that can do less than OpenSSH's, disks that are full, roots that are gone.</summary>
public sealed class SftpServerTests
{
    static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Openssh_keeps_every_promise()
    {
        await using var server = await SftpTestServer.StartAsync();
        await using var store = server.Open();
        Assert.Equal(new StoreCapabilities(false, false, false, false, "Nothing is known about the server before the first connection."), store.Capabilities);
        await store.ConnectAsync(None);
        await store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        await store.PutAsync("a/b", Contents.Bytes(20), PutMode.Replace, None);
        Assert.Equal(new StoreCapabilities(true, true, true, true), store.Capabilities);
        Assert.Equal($"sftp://127.0.0.1:{server.Port}{server.Files}", store.Location);
    }

    [Theory]
    [InlineData("fsync", true, true, false)]
    [InlineData("hardlink", false, true, true)]
    [InlineData("posix-rename", true, false, true)]
    [InlineData("statvfs,limits", true, true, true)]
    [InlineData("fsync,hardlink,posix-rename,statvfs,limits", false, false, false)]
    public async Task What_a_server_lacks_is_told_and_the_rest_still_works(string lacks, bool atomicCreate, bool atomicReplace, bool durable)
    {
        await using var server = await SftpTestServer.StartAsync($"-P {lacks}");
        await using var store = server.Open();
        var large = Contents.Bytes(3_000_000);
        await store.PutAsync("a/b/c", large, PutMode.CreateNew, None);
        Assert.Equal(large, await store.ReadAllAsync("a/b/c", None));
        await Assert.ThrowsAsync<ObjectExistsException>(() => store.PutAsync("a/b/c", Contents.Bytes(10), PutMode.CreateNew, None));
        Assert.Equal(large, await store.ReadAllAsync("a/b/c", None));
        await store.PutAsync("a/b/c", Contents.Bytes(20), PutMode.Replace, None);
        await store.PutAsync("a/new", Contents.Bytes(30), PutMode.Replace, None);
        Assert.Equal(Contents.Bytes(20), await store.ReadAllAsync("a/b/c", None));
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a/b", Contents.Bytes(10), PutMode.Replace, None));
        Assert.False(error.IsTransient);
        Assert.Null(await store.StatAsync("a/x", None));
        Assert.Equal(["a/b/c", "a/new"], await store.KeysAsync());
        Assert.Equal(2, Directory.EnumerateFiles(server.Files, "*", SearchOption.AllDirectories).Count());

        Assert.Equal(new StoreCapabilities(atomicCreate, atomicReplace, true, durable, store.Capabilities.Remark), store.Capabilities);
        Assert.Equal(atomicCreate && atomicReplace && durable, store.Capabilities.Remark is null);
        await store.DeleteAsync("a/b/c", None);
        await store.DeleteAsync("a/new", None);
        Assert.Empty(await store.KeysAsync(mode: ListMode.Children));
    }

    [Fact]
    public async Task A_limit_reached_on_the_server_leaves_nothing_half_written()
    {
        // 4000 blocks of 512 bytes. A process that ignores SIGXFSZ gets EFBIG in the middle of a write.
        await using var server = await SftpTestServer.StartAsync(wrapper: ["sh", "-c", "trap '' XFSZ; ulimit -f 4000; exec \"$@\"", "sh"]);
        await using var store = server.Open();
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync("a/b", Contents.Bytes(9_000_000), PutMode.CreateNew, None));
        Assert.False(error.IsTransient);
        Assert.Equal("a/b", error.Key);
        Assert.Contains("bytes free", error.Message, StringComparison.Ordinal);
        Assert.Contains("limit on file sizes", error.Hint, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(server.Files));
        await store.PutAsync("a/b", Contents.Bytes(900_000), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(900_000), await store.ReadAllAsync("a/b", None));
    }

    [SkippableSmallDiskFact]
    public async Task A_full_disk_on_the_server_is_told_and_leaves_nothing_half_written()
    {
        await using var server = await SftpTestServer.StartAsync();
        using var directory = new TemporaryDirectory(below: SmallDiskFactAttribute.Directory);
        await using var store = server.Open(directory["repository"]);
        var output = new StringWriter();
        await Child.ChildProgram.FillAsync(store, "services/main/", 700_001, output);
        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var stored = lines.Count(line => line.StartsWith("stored ", StringComparison.Ordinal));
        Assert.True(stored > 0, output.ToString());
        var failure = Assert.Single(lines, line => line.StartsWith("failed permanent ", StringComparison.Ordinal));
        Assert.Contains("the disk is full", failure, StringComparison.Ordinal);
        Assert.Contains("bytes free", failure, StringComparison.Ordinal);
        Assert.Contains("free or add space", Assert.Single(lines, line => line.StartsWith("hint ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(
            Enumerable.Range(0, stored).Select(i => $"listed {i} whole"), lines.Where(line => line.StartsWith("listed ", StringComparison.Ordinal)));
        Assert.Equal(stored, Directory.EnumerateFiles(directory["repository"], "*", SearchOption.AllDirectories).Count());

        await store.DeleteAsync("services/main/000000", None);
        await store.PutAsync("services/main/again", Contents.Bytes(300_000), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(300_000), await store.ReadAllAsync("services/main/again", None));
    }

    [Fact]
    public async Task A_missing_root_is_an_error_until_a_put_makes_it_with_its_parents()
    {
        await using var server = await SftpTestServer.StartAsync();
        var root = server.Files + "/not/made/yet";
        await using var store = server.Open(root + "/");
        foreach (var operation in (Func<Task>[])
            [() => store.StatAsync("a", None), () => store.ReadAllAsync("a", None), () => store.KeysAsync(), () => store.KeysAsync("a/b/"), () => store.DeleteAsync("a", None)])
        {
            var error = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.False(error.IsTransient);
            Assert.Contains(root, error.Message, StringComparison.Ordinal);
            Assert.Contains("does not exist", error.Message, StringComparison.Ordinal);
        }

        await store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.Equal(["a/b"], await store.KeysAsync());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, System.IO.File.GetUnixFileMode(root));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(root + "/a/b"));

        Directory.Delete(root, recursive: true);
        foreach (var operation in (Func<Task>[])
            [() => store.StatAsync("a/b", None), () => store.PutAsync("a/c", Contents.Bytes(10), PutMode.CreateNew, None)])
        {
            var error = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.False(error.IsTransient);
            Assert.Contains("unmounted", error.Message, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(root));
    }

    [SkippableSmallDiskFact]
    public async Task An_empty_directory_in_place_of_the_repository_is_not_taken_for_it()
    {
        await using var server = await SftpTestServer.StartAsync();
        using var other = new TemporaryDirectory(below: SmallDiskFactAttribute.Directory);
        // A link to another file system, as a mount needs privileges.
        var root = server["root"];
        Directory.CreateSymbolicLink(root, server.Files);
        await using var store = server.Open(root);
        await store.PutAsync("a", Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.Null(await store.StatAsync("x", None));
        Directory.Delete(root);
        Directory.CreateSymbolicLink(root, other.Path);
        foreach (var operation in (Func<Task>[])
            [() => store.StatAsync("a", None), () => store.ReadAllAsync("a", None), () => store.KeysAsync(), () => store.DeleteAsync("a", None),
                () => store.PutAsync("b", Contents.Bytes(10), PutMode.Replace, None), () => store.PutAsync("c/d", Contents.Bytes(10), PutMode.CreateNew, None)])
        {
            var error = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.False(error.IsTransient);
            Assert.Contains("unmounted", error.Message, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(other.Path));
        await System.IO.File.WriteAllBytesAsync(other["a"], Contents.Bytes(20));
        Assert.Equal(Contents.Bytes(20), await store.ReadAllAsync("a", None));
        await store.PutAsync("b", Contents.Bytes(10), PutMode.CreateNew, None);
    }

    [Fact]
    public async Task Unfinished_objects_are_invisible_and_removed_after_a_day()
    {
        await using var server = await SftpTestServer.StartAsync();
        await using var store = server.Open();
        await store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        var old = Path.Combine(server.Files, "a", ObjectKey.ReservedPrefix + "old");
        var young = Path.Combine(server.Files, "a", ObjectKey.ReservedPrefix + "young");
        foreach (var path in (string[])[old, young])
        {
            await System.IO.File.WriteAllBytesAsync(path, Contents.Bytes(10));
        }

        System.IO.File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-25));
        System.IO.File.SetLastWriteTimeUtc(young, DateTime.UtcNow.AddHours(-23));
        Assert.Equal(["a/b"], await store.KeysAsync());

        await using var other = server.Open();
        await other.PutAsync("a/c", Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.False(System.IO.File.Exists(old));
        Assert.True(System.IO.File.Exists(young));
        Assert.Equal(["a/b", "a/c"], await store.KeysAsync());
    }

    [Fact]
    public async Task Links_are_refused_and_not_taken_for_absent()
    {
        await using var server = await SftpTestServer.StartAsync();
        await using var store = server.Open();
        await store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        System.IO.File.CreateSymbolicLink(Path.Combine(server.Files, "a", "link"), "b");
        foreach (var operation in (Func<Task>[])
            [() => store.StatAsync("a/link", None), () => store.ReadAllAsync("a/link", None), () => store.KeysAsync(), () => store.DeleteAsync("a/link", None), () => store.PutAsync("a/link", Contents.Bytes(1), PutMode.CreateNew, None)])
        {
            var error = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.False(error.IsTransient);
            Assert.Contains("symbolic link", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_server_that_says_it_made_a_link_and_did_not_loses_nothing()
    {
        await using var server = await SftpTestServer.StartAsync();
        // ssh, with every request for a hard link turned into a rename of the file onto itself, which is answered by "done".
        var lying = server["lying-ssh"];
        await System.IO.File.WriteAllTextAsync(lying, """
            #!/usr/bin/python3
            import struct, subprocess, sys
            ssh = subprocess.Popen(["ssh"] + sys.argv[1:], stdin=subprocess.PIPE)
            text = lambda b: struct.pack(">I", len(b)) + b
            while len(size := sys.stdin.buffer.read(4)) == 4:
                packet = sys.stdin.buffer.read(struct.unpack(">I", size)[0])
                if packet[0] == 200 and packet[9:29] == b"hardlink@openssh.com":
                    name = packet[33:33 + struct.unpack(">I", packet[29:33])[0]]
                    packet = packet[:5] + text(b"posix-rename@openssh.com") + text(name) + text(name)
                ssh.stdin.write(struct.pack(">I", len(packet)) + packet)
                ssh.stdin.flush()
            ssh.stdin.close()
            sys.exit(ssh.wait())
            """);
        System.IO.File.SetUnixFileMode(lying, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await using var store = server.Open(change: options => options with { SshProgram = lying });
        await store.ConnectAsync(None);
        Assert.True(store.Capabilities.AtomicCreateIfAbsent);
        foreach (var key in (string[])["a/b", "a/c"])
        {
            await store.PutAsync(key, Contents.Bytes(100_000), PutMode.CreateNew, None);
            Assert.Equal(Contents.Bytes(100_000), await store.ReadAllAsync(key, None));
            await Assert.ThrowsAsync<ObjectExistsException>(() => store.PutAsync(key, Contents.Bytes(10), PutMode.CreateNew, None));
        }

        Assert.False(store.Capabilities.AtomicCreateIfAbsent);
        Assert.Contains("although it says it does", store.Capabilities.Remark, StringComparison.Ordinal);
        Assert.Equal(2, Directory.EnumerateFiles(server.Files, "*", SearchOption.AllDirectories).Count());
    }

    [Fact]
    public async Task Keys_and_prefixes_do_not_mix()
    {
        await using var server = await SftpTestServer.StartAsync();
        await using var store = server.Open();
        await store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        foreach (var (key, mode) in ((string, PutMode)[])[("a", PutMode.CreateNew), ("a", PutMode.Replace), ("a/b/c", PutMode.CreateNew), ("a/b/c/d", PutMode.Replace)])
        {
            var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync(key, Contents.Bytes(10), mode, None));
            Assert.False(error.IsTransient);
            Assert.Contains("prefix", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["a/b"], await store.KeysAsync());
        Assert.Single(Directory.EnumerateFiles(server.Files, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_relative_path_starts_where_the_server_lets_the_user_in()
    {
        await using var server = await SftpTestServer.StartAsync();
        // sftp-server's own start directory stands in for a home directory, which tests leave alone.
        var configuration = await System.IO.File.ReadAllTextAsync(server["sshd_config"]);
        await System.IO.File.WriteAllTextAsync(
            server["sshd_config"], configuration.Replace("internal-sftp", $"internal-sftp -d {server.Files}", StringComparison.Ordinal));
        await server.KillAsync();
        await server.StartAgainAsync();
        await using var store = server.Open("below/here");
        await store.PutAsync("a/b", Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.True(System.IO.File.Exists(server.Files + "/below/here/a/b"));
        Assert.Equal(["a/b"], await store.KeysAsync());
        Assert.EndsWith("/~/below/here", store.Location, StringComparison.Ordinal);
    }

    /// <summary>Only where there is a small file system: sshd cannot run in a namespace of its own as easily as a program can.</summary>
    sealed class SkippableSmallDiskFactAttribute : FactAttribute
    {
        public SkippableSmallDiskFactAttribute()
        {
            if (SmallDiskFactAttribute.Directory is null)
            {
                Skip = "PITR_TEST_SMALL_DISK names no small file system; the test of a file size limit on the server stands in";
            }
        }
    }
}
