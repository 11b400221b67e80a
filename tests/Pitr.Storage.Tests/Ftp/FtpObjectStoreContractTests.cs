using Pitr.Storage.Ftp;

namespace Pitr.Storage.Tests.Ftp;

/// <summary>The FTP driver keeps the contract, as far as it declares it, with a real server and TLS.</summary>
public sealed class FtpObjectStoreContractTests(FtpServer server) : ObjectStoreContract, IClassFixture<FtpServer>
{
    readonly string _path = $"contract-{Guid.NewGuid():N}/the repository";

    protected override string ChildStore => FtpChild.Describe(server.Options(_path));

    protected override bool IsSlow => true;

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        var root = Path.Combine(server.Root, _path);
        if (!Directory.Exists(root))
        {
            // A server of another user or host, whose disk is not to be seen.
            return;
        }

        var leftovers = Directory.EnumerateFiles(root, ObjectKey.ReservedPrefix + "*", SearchOption.AllDirectories).Count();
        Directory.Delete(Path.GetDirectoryName(root)!, recursive: true);
        // A killed process leaves one unfinished object at most; nothing else leaves any.
        Assert.InRange(leftovers, 0, KilledAProcess ? 1 : 0);
    }

    protected override async Task<IObjectStore> OpenEmptyAsync()
    {
        // The first put makes the repository's directory, which a deletion keeps.
        var store = await OpenAgainAsync();
        await store.PutAsync("first", ReadOnlyMemory<byte>.Empty, PutMode.CreateNew, CancellationToken.None);
        await store.DeleteAsync("first", CancellationToken.None);
        return store;
    }

    protected override Task<IObjectStore> OpenAgainAsync() =>
        Task.FromResult<IObjectStore>(new FtpObjectStore("test", server.Options(_path), TimeProvider.System));
}
