using Microsoft.Win32.SafeHandles;
using Pitr.Storage.File;

namespace Pitr.Storage.Tests.File;

/// <summary>What the file system below a repository cannot do is told, and what its promises depend on.</summary>
public sealed class FileSystemTests : IDisposable
{
    readonly TemporaryDirectory _directory = new();

    string Root => _directory["repository"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_directory_that_cannot_be_fsynced_is_told()
    {
        // procfs refuses fsync with EINVAL, as some FUSE and network file systems do.
        await using var store = new FileObjectStore("local", "/proc/self/task");
        var capabilities = store.Capabilities;
        Assert.False(capabilities.DurableOnReturn);
        Assert.Contains("cannot fsync directories", capabilities.Remark, StringComparison.Ordinal);
        Assert.Contains("/proc/self/task", capabilities.Remark, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x6969, true, "NFS")]
    [InlineData(0x517b, true, "SMB")]
    [InlineData(0xff534d42, true, "SMB")]
    [InlineData(0xfe534d42, true, "SMB")]
    [InlineData(0x65735546, true, "FUSE")]
    [InlineData(0x01021997, true, "9p")]
    [InlineData(0x00c36400, true, "CephFS")]
    [InlineData(0x0bd00bd0, true, "Lustre")]
    [InlineData(0x47504653, true, "GPFS")]
    [InlineData(0x19830326, true, "BeeGFS")]
    [InlineData(0x5346414f, true, "AFS")]
    [InlineData(0x7461636f, true, "OCFS2")]
    [InlineData(0x01021994, false, "memory")]
    [InlineData(0x858458f6, false, "memory")]
    public async Task What_a_file_system_depends_on_is_told(long type, bool durable, string word)
    {
        await using var store = new FileObjectStore("local", Root, TimeProvider.System, new FileSystemFeatures(_ => type));
        Directory.CreateDirectory(Root);
        // Asked again and again, it is told once.
        Assert.Equal(store.Capabilities, store.Capabilities);
        Assert.Equal(durable, store.Capabilities.DurableOnReturn);
        Assert.StartsWith(Root, store.Capabilities.Remark, StringComparison.Ordinal);
        Assert.Contains(word, store.Capabilities.Remark, StringComparison.Ordinal);
        Assert.True(store.Capabilities.AtomicCreateIfAbsent);
    }

    [Theory]
    [InlineData(0xef53L)]
    [InlineData(0x58465342L)]
    [InlineData(null)]
    public async Task About_a_local_disk_there_is_nothing_to_tell(long? type)
    {
        Directory.CreateDirectory(Root);
        await using var store = new FileObjectStore("local", Root, TimeProvider.System, new FileSystemFeatures(_ => type));
        Assert.Equal(new StoreCapabilities(true, true, true, true), store.Capabilities);
    }

    [Theory]
    [InlineData("/proc", 0x9fa0)]
    [InlineData("/sys", 0x62656572)]
    [InlineData("/dev/shm", 0x01021994)]
    public void The_kernel_tells_the_type(string path, long type)
    {
        using var directory = new SafeFileHandle(LibC.Open(path, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC, 0), ownsHandle: true);
        Assert.Equal(type, FileSystemType.Of(directory));
    }

    [Fact]
    public async Task Without_fsync_of_directories_puts_still_work()
    {
        var features = new FileSystemFeatures();
        features.LoseDirectorySync(Root);
        await using var store = new FileObjectStore("local", Root, TimeProvider.System, features);
        await store.PutAsync("a/b", Contents.Bytes(1), PutMode.CreateNew, CancellationToken.None);
        Assert.Equal(["a/b"], await store.KeysAsync());
        Assert.False(store.Capabilities.DurableOnReturn);
    }
}
