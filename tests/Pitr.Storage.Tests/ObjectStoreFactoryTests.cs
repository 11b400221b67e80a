using Pitr.Storage.File;

namespace Pitr.Storage.Tests;

public class ObjectStoreFactoryTests
{
    [Theory]
    [InlineData("file:///var/lib/pitr/repository", "/var/lib/pitr/repository")]
    [InlineData("file:///var/lib/pitr/", "/var/lib/pitr")]
    [InlineData("file://localhost/var/lib/pitr", "/var/lib/pitr")]
    [InlineData("file:///mnt/with%20space/100%25%23%3F", "/mnt/with space/100%#?")]
    [InlineData("file:///gr%C3%BC%C3%9Fe", "/grüße")]
    public async Task File_urls_open_directories(string url, string directory)
    {
        await using var store = ObjectStoreFactory.Open("local", new Uri(url));
        Assert.Equal(directory, Assert.IsType<FileObjectStore>(store).RootDirectory);
        Assert.Equal("local", store.Name);

        // The location is a URL that opens the same store.
        await using var again = ObjectStoreFactory.Open("local", new Uri(store.Location));
        Assert.Equal(directory, Assert.IsType<FileObjectStore>(again).RootDirectory);
    }

    [Theory]
    [InlineData("gopher://example.net/x", "gopher")]
    [InlineData("file://server/share", "server")]
    [InlineData("file:///a?b=c", "%3F")]
    [InlineData("file:///a#b", "%23")]
    public void Other_urls_are_refused_with_what_would_do(string url, string named)
    {
        var error = Assert.Throws<StorageException>(() => ObjectStoreFactory.Open("local", new Uri(url)));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Contains("local", error.Message, StringComparison.Ordinal);
        Assert.Contains("known schemes: file", error.Hint, StringComparison.Ordinal);
        Assert.False(error.IsTransient);
    }

    [Fact]
    public void A_relative_url_is_refused() =>
        Assert.Throws<StorageException>(() => ObjectStoreFactory.Open("local", new Uri("repository", UriKind.Relative)));
}
