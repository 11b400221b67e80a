using Pitr.Storage;
using static Pitr.Operations.Repositories.Validation.BrokenPromiseException;

namespace Pitr.Operations.Repositories.Validation;

/// <summary>One object there and back, absence, emptiness, ranges, names.</summary>
static class BasicProbes
{
    const int Small = 4096;

    // Eight operations; where each takes longer than a local one by far, hundreds of them would take minutes.
    static readonly TimeSpan SlowRoundTrip = TimeSpan.FromSeconds(0.6);

    static readonly string[] OddNames =
    [
        "with space/ leading and trailing ",
        "quote'\"`$(x)/back\\slash/%2F%00/#?&=+;:@!*[]{}|<>~^,",
        "-rf/--help",
        ".hidden/..dots/...",
        "grüße/日本語/🐘/e\u0301 and é",
        "CON/nul.txt/Thumbs.db",
        new('x', 200),
    ];

    public static async Task<string> RoundTripAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var started = space.Clock.GetTimestamp();
        var key = space.Key("basic/object");
        var content = PatternContent.Bytes(Small, 1);
        await space.Store.PutAsync(key, content, PutMode.CreateNew, cancellation);
        space.IsUsable = true;
        var info = await space.Store.StatAsync(key, cancellation);
        Unless(info is not null, "an object that was put is said not to exist");
        Unless(info!.Size == Small, $"an object of {Small} bytes is said to have {info.Size}");
        Unless((await space.Store.ReadAllAsync(key, cancellation)).AsSpan().SequenceEqual(content), "an object was read with other bytes than were put");
        Unless((await space.ListAsync("basic/", ListMode.Recursive, cancellation)).Exists(item => item.Key == key), "an object that was put is not in the listing");
        await space.Store.DeleteAsync(key, cancellation);
        Unless(await space.Store.StatAsync(key, cancellation) is null, "an object that was removed is still there");
        await space.Store.DeleteAsync(key, cancellation);
        space.IsSlow = space.Clock.GetElapsedTime(started) > SlowRoundTrip;
        return "put, stat, get, list, delete, delete again";
    }

    public static async Task<string> AbsenceAsync(ValidationSpace space, CancellationToken cancellation)
    {
        Unless(await space.Store.StatAsync(space.Key("absent/key"), cancellation) is null, "stat finds an object that was never put");
        try
        {
            await using var stream = await space.Store.OpenReadAsync(space.Key("absent/key"), range: null, cancellation);
            throw new BrokenPromiseException("an object that was never put can be read");
        }
        catch (ObjectNotFoundException)
        {
            // The right answer.
        }

        foreach (var mode in Enum.GetValues<ListMode>())
        {
            Unless((await space.ListAsync("absent/", mode, cancellation)).Count == 0, "a prefix below which nothing was put lists something");
        }

        return "stat, get and list answer \"no such object\" instead of failing";
    }

    public static async Task<string> EmptyAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var key = space.Key("empty");
        await space.Store.PutAsync(key, ReadOnlyMemory<byte>.Empty, PutMode.CreateNew, cancellation);
        Unless(await space.Store.StatAsync(key, cancellation) is { Size: 0 }, "an empty object is not there, or not empty");
        Unless((await space.Store.ReadAllAsync(key, cancellation)).Length == 0, "an empty object was read with bytes in it");
        return "0 bytes there and back";
    }

    public static async Task<string> RangesAsync(ValidationSpace space, CancellationToken cancellation)
    {
        const int Length = 100_000;
        var key = space.Key("ranges");
        var content = PatternContent.Bytes(Length, 2);
        await space.Store.PutAsync(key, content, PutMode.CreateNew, cancellation);
        foreach (var (offset, length) in ((int, int)[])[(0, 104), (1, 1), (Length - 1, 1), (5000, 70_000), (0, Length), (50, 0)])
        {
            await using var stream = await space.Store.OpenReadAsync(key, new ByteRange(offset, length), cancellation);
            var read = new byte[length + 1];
            var count = await stream.ReadAtLeastAsync(read, read.Length, throwOnEndOfStream: false, cancellation);
            Unless(read.AsSpan(0, count).SequenceEqual(content.AsSpan(offset, length)), $"{new ByteRange(offset, length)} of {Length} gave other bytes, or not {length} of them");
        }

        foreach (var range in (ByteRange[])[new(Length - 10, 20), new(Length, 1), new(2 * Length, 1)])
        {
            try
            {
                await using var stream = await space.Store.OpenReadAsync(key, range, cancellation);
                await stream.ReadExactlyAsync(new byte[range.Length], cancellation);
                throw new BrokenPromiseException($"{range} of {Length} was given although the object ends before");
            }
            catch (StorageException e) when (e is not ObjectNotFoundException)
            {
                // The right answer.
            }
            catch (EndOfStreamException)
            {
                throw new BrokenPromiseException($"{range} of {Length} ended early instead of being refused");
            }
        }

        return "6 ranges, and 3 past the end refused";
    }

    public static async Task<string> NamesAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var keys = OddNames.Select(name => space.Key($"names/{name}")).ToArray();
        await ValidationSpace.OnEachAsync(keys, TryAsync, cancellation);

        var listed = (await space.ListAsync("names/", ListMode.Recursive, cancellation)).Select(item => item.Key).ToArray();
        var expected = keys.Order(Comparer<string>.Create(ObjectKey.Compare)).ToArray();
        Unless(listed.SequenceEqual(expected, StringComparer.Ordinal), $"{expected.Length} odd names were put, the listing shows {string.Join(", ", listed.Except(expected, StringComparer.Ordinal).DefaultIfEmpty("others or another order"))}");
        return $"{keys.Length} names with spaces, quotes, percent signs, dots, emoji, 200 characters";

        async Task TryAsync(string key, CancellationToken token)
        {
            await space.Store.PutAsync(key, new byte[] { 1, 2, 3 }, PutMode.CreateNew, token);
            Unless(await space.Store.StatAsync(key, token) is { Size: 3 }, $"the object \"{key}\" is not there after it was put");
            Unless((await space.Store.ReadAllAsync(key, token)).Length == 3, $"the object \"{key}\" cannot be read back");
        }
    }
}
