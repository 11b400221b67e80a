namespace Pitr.Storage.Tests.Ftp;

/// <summary>A large repository on an FTP server.</summary>
public sealed class FtpLargeListingTests
{
    [Fact]
    public async Task A_hundred_thousand_keys_are_listed_in_order_in_little_memory()
    {
        var server = await FtpServer.StartOwnAsync();
        try
        {
            var path = $"listing-{Guid.NewGuid():N}";
            LargeListing.MakeFiles(Path.Combine(server.Root, path));
            await LargeListing.RequireAsync(FtpChild.Describe(server.Options(path)), maxHeap: 24 * 1024);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }
}
