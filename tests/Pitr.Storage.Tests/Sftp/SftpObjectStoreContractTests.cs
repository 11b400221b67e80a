using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>The SFTP driver keeps the contract, on a real sshd.</summary>
public class SftpObjectStoreContractTests(SftpFixture server) : ObjectStoreContract, IClassFixture<SftpFixture>
{
    readonly string _root = $"{server.Options.Path}/the repository {Guid.NewGuid():N}";

    protected SftpOptions Options => server.Options with { Path = _root, Connections = Connections };

    protected virtual int Connections => 4;

    protected override string ChildStore => SftpChildStore.Write(Options);

    public override async Task DisposeAsync()
    {
        foreach (var key in await Store.KeysAsync())
        {
            await Store.DeleteAsync(key, CancellationToken.None);
        }

        await base.DisposeAsync();
        if (!Directory.Exists(_root))
        {
            // The server is another machine.
            return;
        }

        var leftovers = Directory.EnumerateFiles(_root, ObjectKey.ReservedPrefix + "*", SearchOption.AllDirectories).Count();
        Directory.Delete(_root, recursive: true);
        // A killed process leaves one unfinished object at most; nothing else leaves any.
        Assert.InRange(leftovers, 0, KilledAProcess ? 1 : 0);
    }

    protected override async Task<IObjectStore> OpenEmptyAsync()
    {
        var store = await OpenAgainAsync();
        // Makes the root.
        await store.PutAsync("first", ReadOnlyMemory<byte>.Empty, PutMode.CreateNew, CancellationToken.None);
        await store.DeleteAsync("first", CancellationToken.None);
        return store;
    }

    protected override Task<IObjectStore> OpenAgainAsync() =>
        Task.FromResult<IObjectStore>(new SftpObjectStore("test", Options, TimeProvider.System));
}

/// <summary>So it does when all operations share one session, on a server that offers neither large packets nor figures about its disk.</summary>
public sealed class SftpObjectStoreOnOneSessionContractTests(PlainSftpFixture server)
    : SftpObjectStoreContractTests(server), IClassFixture<PlainSftpFixture>
{
    protected override int Connections => 1;
}
