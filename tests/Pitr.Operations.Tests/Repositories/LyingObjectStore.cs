using System.Runtime.CompilerServices;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Repositories;

/// <summary>A store that breaks one promise, by its name, and keeps the others as the store behind it does.</summary>
sealed class LyingObjectStore(IObjectStore inner, string lie) : IObjectStore
{
    readonly HashSet<string> _removed = [];

    public string Name => inner.Name;

    public string Location => inner.Location;

    public StoreCapabilities Capabilities { get; init; } = inner.Capabilities;

    public async IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var items = new List<ObjectListing>();
        await foreach (var item in inner.ListAsync(prefix, mode, cancellationToken))
        {
            items.Add(item);
        }

        switch (lie)
        {
            case "listing in another order":
                items.Reverse();
                break;
            case "listing cut after a page":
                items = [.. items.Take(100)];
                break;
            case "listing shows what is gone":
                items.AddRange(_removed.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => new ObjectListing(key, 200, default, false)));
                break;
            case "listing shows names twice" when items.Count > 100:
                items.Add(items[^1]);
                break;
        }

        foreach (var item in items)
        {
            yield return item;
        }
    }

    public async Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) => (lie, await inner.StatAsync(Kept(key), cancellationToken)) switch
    {
        ("absent is an error", null) => throw new StorageException(Name, key, "403 forbidden", isTransient: false),
        ("wrong size", { } info) => info with { Size = info.Size + 1 },
        var (_, info) => info is null ? null : info with { Key = key },
    };

    public async Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        if (lie == "ranges are cut at the end" && range is { } wanted && await inner.StatAsync(key, cancellationToken) is { } info && wanted.End > info.Size)
        {
            range = new ByteRange(Math.Min(wanted.Offset, info.Size), Math.Max(0, info.Size - wanted.Offset));
        }

        var stream = await inner.OpenReadAsync(Kept(key), range, cancellationToken);
        if (lie == "large objects lose their end" && await inner.StatAsync(key, cancellationToken) is { Size: > 500_000 } large)
        {
            await stream.DisposeAsync();
            return await inner.OpenReadAsync(key, new ByteRange(0, large.Size - 1), cancellationToken);
        }

        return stream;
    }

    public async Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        switch (lie)
        {
            case "create overwrites":
                mode = PutMode.Replace;
                break;
            case "two may create" when mode == PutMode.CreateNew:
                // As stores do that cannot: looks first, and writes when the content is there.
                if (await inner.StatAsync(key, cancellationToken) is not null)
                {
                    throw new ObjectExistsException(Name, key);
                }

                mode = PutMode.Replace;
                break;
            case "puts are lost" when key.Contains("/seen/3", StringComparison.Ordinal):
                return;
            case "half objects are seen":
                content = await WhatThereIsAsync(content, key, mode, cancellationToken);
                break;
            case "replacing removes first" when mode == PutMode.Replace:
                await inner.DeleteAsync(key, cancellationToken);
                await Task.Delay(20, cancellationToken);
                break;
            case "empty objects are refused" when content.Length == 0:
                throw new StorageException(Name, key, "411 length required", isTransient: false);
        }

        await inner.PutAsync(Kept(key), content, mode, cancellationToken);
    }

    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        if (lie == "nothing is removed")
        {
            return;
        }

        if (lie == "listing shows what is gone" && key.Contains("/seen/", StringComparison.Ordinal) && await inner.StatAsync(key, cancellationToken) is not null)
        {
            _removed.Add(key);
        }

        await inner.DeleteAsync(Kept(key), cancellationToken);
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    string Kept(string key) => lie == "names lose spaces" ? key.TrimEnd(' ') : key;

    async Task<ObjectContent> WhatThereIsAsync(ObjectContent content, string key, PutMode mode, CancellationToken cancellationToken)
    {
        var bytes = new MemoryStream();
        try
        {
            await using var stream = content.OpenRead();
            await stream.CopyToAsync(bytes, cancellationToken);
        }
        catch (InvalidOperationException)
        {
            await inner.PutAsync(key, ObjectContent.FromMemory(bytes.ToArray()), mode, cancellationToken);
            throw;
        }

        return ObjectContent.FromMemory(bytes.ToArray());
    }
}
