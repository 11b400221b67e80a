namespace Pitr.Storage.Tests.File;

/// <summary>A large repository in a directory, and a large object.</summary>
public sealed class FileListingTests
{
    [Fact]
    public async Task Memory_does_not_grow_with_the_object()
    {
        using var directory = new TemporaryDirectory();
        await LargeObject.RequireLittleMemoryAsync(new Uri(directory.Path).AbsoluteUri, PutMode.CreateNew);
    }

    [Fact]
    public async Task A_hundred_thousand_keys_are_listed_in_order_in_little_memory()
    {
        using var directory = new TemporaryDirectory();
        LargeListing.MakeFiles(directory.Path);
        await LargeListing.RequireAsync(new Uri(directory.Path).AbsoluteUri, maxHeap: 24 * 1024);
    }
}
