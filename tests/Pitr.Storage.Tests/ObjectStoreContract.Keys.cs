namespace Pitr.Storage.Tests;

// Keys and prefixes, and listings of them.
public abstract partial class ObjectStoreContract
{
    [Fact]
    public async Task Listings_are_ordered_and_respect_prefix_and_mode()
    {
        string[] keys =
        [
            "a-b/c", "a.b", "a/b", "a/b-c", "a/b.c", "a0", "a/c/d/e", "a/c/d/f", "a/c-d", "b", "B", "a/c0", "services/main/wal/00000001.history",
        ];
        foreach (var key in keys)
        {
            await Store.PutAsync(key, Contents.Bytes(3), PutMode.CreateNew, None);
        }

        await Check("", ListMode.Recursive, [.. keys.Order(StringComparer.Ordinal)]);
        await Check("a/", ListMode.Recursive, ["a/b", "a/b-c", "a/b.c", "a/c-d", "a/c/d/e", "a/c/d/f", "a/c0"]);
        await Check("a/b", ListMode.Recursive, ["a/b", "a/b-c", "a/b.c"]);
        await Check("a", ListMode.Recursive, ["a-b/c", "a.b", "a/b", "a/b-c", "a/b.c", "a/c-d", "a/c/d/e", "a/c/d/f", "a/c0", "a0"]);
        await Check("a/c", ListMode.Recursive, ["a/c-d", "a/c/d/e", "a/c/d/f", "a/c0"]);
        await Check("a/c/d/e", ListMode.Recursive, ["a/c/d/e"]);
        await Check("", ListMode.Children, ["B", "a-b/", "a.b", "a/", "a0", "b", "services/"]);
        await Check("a/", ListMode.Children, ["a/b", "a/b-c", "a/b.c", "a/c-d", "a/c/", "a/c0"]);
        await Check("a/c/", ListMode.Children, ["a/c/d/"]);
        foreach (var nothing in (string[])["x/", "a/x/", "b/", "a/b/", "services/main/wal/00000001/"])
        {
            await Check(nothing, ListMode.Children, []);
            await Check(nothing, ListMode.Recursive, []);
        }

        async Task Check(string prefix, ListMode mode, string[] expected)
        {
            var listed = await Store.ListAsync(prefix, mode, None).ToListAsync();
            Assert.Equal(expected, listed.Select(listing => listing.Key));
            Assert.All(listed, listing => Assert.Equal(listing.Key.EndsWith('/'), listing.IsPrefix));
            Assert.All(listed, listing => Assert.Equal(listing.IsPrefix ? 0 : 3, listing.Size));
        }
    }

    [Fact]
    public async Task Listings_of_thousands_of_keys_are_complete()
    {
        var keys = Enumerable.Range(0, IsSlow ? 60 : 2600).Select(i => i % 2 == 0 ? $"many/{i:X8}" : $"many/{i % 7}/{i}").ToArray();
        await Parallel.ForEachAsync(
            keys, new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (key, cancellationToken) => await Store.PutAsync(key, ReadOnlyMemory<byte>.Empty, PutMode.CreateNew, cancellationToken));

        Assert.Equal(keys.Order(StringComparer.Ordinal), await Store.KeysAsync("many/"));
        Assert.Equal(
            keys.Where(key => key.Count(c => c == '/') == 1).Concat(Enumerable.Range(0, 7).Select(i => $"many/{i}/")).Order(StringComparer.Ordinal),
            await Store.KeysAsync("many/", ListMode.Children));

        await foreach (var first in Store.ListAsync("many/", ListMode.Recursive, None))
        {
            // A listing may be left early.
            Assert.Equal(keys.Order(StringComparer.Ordinal).First(), first.Key);
            break;
        }
    }

    [Theory]
    [InlineData("with space/ leading and trailing ")]
    [InlineData("quote'\"`$(x)/back\\slash/%2F%00/#?&=+;:@!*[]{}|<>~^,")]
    [InlineData("-rf/--help")]
    [InlineData(".hidden/..dots/...")]
    [InlineData("grüße/日本語/🐘/e\u0301 and é")]
    [InlineData("CON/nul.txt/Thumbs.db")]
    [InlineData("a.tmp-b/.tmp")]
    public async Task Odd_but_legal_keys_are_kept_as_they_are(string key)
    {
        await Store.PutAsync(key, Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(10), await Store.ReadAllAsync(key, None));
        Assert.Equal(key, (await Store.StatAsync(key, None))!.Key);
        Assert.Equal([key], await Store.KeysAsync());
        Assert.Equal([key], await Store.KeysAsync(key));
        Assert.Equal([key], await Store.KeysAsync(key[..(key.LastIndexOf('/') + 1)], ListMode.Children));
        await Assert.ThrowsAsync<ObjectExistsException>(() => Store.PutAsync(key, Contents.Bytes(10), PutMode.CreateNew, None));
        await Store.DeleteAsync(key, None);
        Assert.Empty(await Store.KeysAsync());
    }

    [Fact]
    public async Task Listings_follow_the_order_of_code_points()
    {
        // U+1F418 is a surrogate pair in UTF-16, which sorts below U+FF5E there.
        string[] keys = ["z", "é", "～", "🐘", "a\u0301"];
        foreach (var key in keys)
        {
            await Store.PutAsync(key, Contents.Bytes(1), PutMode.CreateNew, None);
        }

        Assert.Equal(["a\u0301", "z", "é", "～", "🐘"], await Store.KeysAsync());
    }

    [Fact]
    public async Task Keys_may_be_as_long_as_the_rules_allow()
    {
        var part = new string('x', ObjectKey.MaxPartBytes);
        var key = string.Join('/', part, part, part, part);
        Assert.Equal(ObjectKey.MaxBytes - 1, key.Length);
        await Store.PutAsync(key, Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.Equal([key], await Store.KeysAsync());
        Assert.Equal(Contents.Bytes(10), await Store.ReadAllAsync(key, None));
    }

    [Fact]
    public async Task Illegal_keys_are_refused_by_every_operation()
    {
        foreach (var key in ObjectKeyTests.IllegalKeys)
        {
            await Assert.ThrowsAsync<ArgumentException>(() => Store.StatAsync(key, None));
            await Assert.ThrowsAsync<ArgumentException>(() => Store.OpenReadAsync(key, range: null, None));
            await Assert.ThrowsAsync<ArgumentException>(() => Store.PutAsync(key, Contents.Bytes(1), PutMode.Replace, None));
            await Assert.ThrowsAsync<ArgumentException>(() => Store.DeleteAsync(key, None));
        }

        Assert.Empty(await Store.KeysAsync());
    }

    [Fact]
    public async Task Illegal_prefixes_are_refused()
    {
        foreach (var prefix in (string[])["/", "a//", "../", "a/../b"])
        {
            await Assert.ThrowsAsync<ArgumentException>(() => Store.ListAsync(prefix, ListMode.Recursive, None).ToListAsync());
        }

        await Assert.ThrowsAsync<ArgumentException>(() => Store.ListAsync("a", ListMode.Children, None).ToListAsync());
    }
}
