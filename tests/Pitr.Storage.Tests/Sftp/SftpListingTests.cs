namespace Pitr.Storage.Tests.Sftp;

/// <summary>A large repository on an SFTP server.</summary>
public sealed class SftpListingTests
{
    [Fact]
    public async Task A_hundred_thousand_keys_are_listed_in_order_in_little_memory()
    {
        await using var server = await SftpTestServer.StartAsync();
        LargeListing.MakeFiles(server.Files);
        await LargeListing.RequireAsync(SftpChildStore.Write(server.Options()), maxHeap: 24 * 1024);
    }
}
