namespace Pitr.Storage.Tests.Sftp;

/// <summary>A large repository on an SFTP server, and a large object.</summary>
public sealed class SftpListingTests
{
    [Fact]
    public async Task Memory_does_not_grow_with_the_object()
    {
        await using var server = await SftpTestServer.StartAsync();
        await LargeObject.RequireLittleMemoryAsync(SftpChildStore.Write(server.Options()), PutMode.CreateNew);
    }

    [Fact]
    public async Task A_hundred_thousand_keys_are_listed_in_order_in_little_memory()
    {
        await using var server = await SftpTestServer.StartAsync();
        LargeListing.MakeFiles(server.Files);
        await LargeListing.RequireAsync(SftpChildStore.Write(server.Options()), maxHeap: 24 * 1024);
    }
}
