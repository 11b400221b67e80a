using Pitr.Storage.File;
using Pitr.Storage.Retry;

namespace Pitr.Storage.Tests.File;

/// <summary>The file driver keeps the contract.</summary>
public class FileObjectStoreContractTests : ObjectStoreContract
{
    readonly TemporaryDirectory _directory = new();

    protected string Root => _directory["the repository"];

    protected override string ChildStore => new Uri(Root).AbsoluteUri;

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        var leftovers = Directory.EnumerateFiles(Root, ObjectKey.ReservedPrefix + "*", SearchOption.AllDirectories).Count();
        _directory.Dispose();
        // A killed process leaves one unfinished object at most; nothing else leaves any.
        Assert.InRange(leftovers, 0, KilledAProcess ? 1 : 0);
    }

    protected override Task<IObjectStore> OpenEmptyAsync()
    {
        Directory.CreateDirectory(Root);
        return OpenAgainAsync();
    }

    protected override Task<IObjectStore> OpenAgainAsync() => Task.FromResult(ObjectStoreFactory.Open("test", new FileStoreOptions(Root), TimeProvider.System));
}

/// <summary>So does it on file systems that lack RENAME_NOREPLACE, such as NFS.</summary>
public sealed class FileObjectStoreByLinkContractTests : FileObjectStoreContractTests
{
    protected override Task<IObjectStore> OpenAgainAsync() => Task.FromResult<IObjectStore>(
        new FileObjectStore("test", Root, TimeProvider.System, new FileSystemFeatures { RenameWithoutReplacing = false, Preallocation = false }));
}

/// <summary>And so does the decorator around it.</summary>
public sealed class RetryingFileObjectStoreContractTests : FileObjectStoreContractTests
{
    protected override async Task<IObjectStore> OpenAgainAsync() =>
        new RetryingObjectStore(await base.OpenAgainAsync(), RetryPolicy.Default, TimeProvider.System);
}
