using Pitr.Storage;
using static Pitr.Operations.Repositories.Validation.BrokenPromiseException;

namespace Pitr.Operations.Repositories.Validation;

/// <summary>What happens to objects while they are put: cut puts, taken keys, races, replacement under readers, and what is seen at once.</summary>
static class WriteProbes
{
    const int Racers = 8;

    // Long enough for all racers to get to the same point, and no reason to wait for ever where only some may work at once.
    static readonly TimeSpan Gathering = TimeSpan.FromSeconds(1);

    public static async Task<string> WholeObjectsAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var key = space.Key("cut/new");
        await CutAsync(space, key, PutMode.CreateNew, cancellation);
        Unless(await space.Store.StatAsync(key, cancellation) is null, "a put that was cut in the middle left a part of the object");
        Unless((await space.ListAsync("cut/", ListMode.Recursive, cancellation)).Count == 0, "a put that was cut in the middle left something in the listing");

        var replaced = space.Key("cut/replaced");
        await space.Store.PutAsync(replaced, PatternContent.Bytes(1000, 3), PutMode.CreateNew, cancellation);
        await CutAsync(space, replaced, PutMode.Replace, cancellation);
        Unless(
            (await space.Store.ReadAllAsync(replaced, cancellation)).AsSpan().SequenceEqual(PatternContent.Bytes(1000, 3)),
            "a replacement that was cut in the middle changed the object");
        await space.Store.PutAsync(key, PatternContent.Bytes(1000, 4), PutMode.CreateNew, cancellation);
        return "two puts of 1 MiB cut in the middle left nothing, and the next one went through";
    }

    public static async Task<string> TakenKeyAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var key = space.Key("taken");
        var first = PatternContent.Bytes(1000, 5);
        await space.Store.PutAsync(key, first, PutMode.CreateNew, cancellation);
        try
        {
            await space.Store.PutAsync(key, PatternContent.Bytes(1000, 6), PutMode.CreateNew, cancellation);
            throw new BrokenPromiseException("a second object was created under a key that was taken");
        }
        catch (ObjectExistsException)
        {
            // The right answer.
        }

        Unless((await space.Store.ReadAllAsync(key, cancellation)).AsSpan().SequenceEqual(first), "the refused creation changed the object");
        return "creating over an existing object is refused";
    }

    public static async Task<string> RaceAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var rounds = space.IsSlow ? 1 : 3;
        for (var round = 0; round < rounds; round++)
        {
            var key = space.Key($"race/{round}");
            var arrived = 0;
            var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var won = await Task.WhenAll(Enumerable.Range(0, Racers).Select(async racer =>
            {
                var content = new PatternContent(2000, 100 + racer, async token =>
                {
                    if (Interlocked.Increment(ref arrived) >= Racers)
                    {
                        all.TrySetResult();
                    }

                    await Task.WhenAny(all.Task, Task.Delay(Gathering, space.Clock, token));
                });
                try
                {
                    await space.Store.PutAsync(key, content, PutMode.CreateNew, cancellation);
                    return racer;
                }
                catch (ObjectExistsException)
                {
                    return -1;
                }
            }));
            var winners = won.Where(racer => racer >= 0).ToArray();
            Unless(winners.Length == 1, $"of {Racers} racing to create one object {winners.Length} were told that they made it");
            Unless(
                (await space.Store.ReadAllAsync(key, cancellation)).AsSpan().SequenceEqual(PatternContent.Bytes(2000, 100 + winners[0])),
                "the object is not that of the one who was told to have made it");
        }

        return $"{Racers} at once, {rounds} times: exactly one made it";
    }

    public static async Task<string> ReplacementAsync(ValidationSpace space, CancellationToken cancellation)
    {
        const int Length = 256 << 10;
        var versions = space.IsSlow ? 3 : 8;
        var refused = 0;
        var key = space.Key("replaced");
        await space.Store.PutAsync(key, new PatternContent(Length, 0), PutMode.Replace, cancellation);
        var writing = WriteAsync();
        var reading = ReadAsync();
        // Both come to their end, whatever the other meets: nothing may be put any more when the clean-up begins.
        await Task.WhenAll(writing, reading);
        return $"{await reading} reads during {versions} replacements saw the old object or the new{(refused > 0 ? $", {refused} were refused instead of giving a mixture" : "")}";

        async Task WriteAsync()
        {
            for (var version = 1; version <= versions; version++)
            {
                await space.Store.PutAsync(key, new PatternContent(Length + version, version), PutMode.Replace, cancellation);
            }
        }

        async Task<int> ReadAsync()
        {
            var reads = 0;
            while (!writing.IsCompleted)
            {
                try
                {
                    await ReadOneAsync();
                    reads++;
                }
                catch (StorageException e) when (e.IsTransient)
                {
                    // It says that it does not know, and to ask again.
                    refused++;
                }
            }

            // Now that nobody writes any more there is no excuse.
            await ReadOneAsync();
            return reads + 1;
        }

        async Task ReadOneAsync()
        {
            var seen = await space.Store.TryReadAllAsync(key, cancellation) ?? throw new BrokenPromiseException("an object was not there while it was replaced");
            var version = seen.Length - Length;
            Unless(
                version >= 0 && version <= versions && seen.AsSpan().SequenceEqual(PatternContent.Bytes(seen.Length, version)),
                $"while an object was replaced, {seen.Length} bytes were read that are neither the old object nor the new");
        }
    }

    public static async Task<string> SeenAtOnceAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var times = space.IsSlow ? 2 : 8;
        for (var i = 0; i < times; i++)
        {
            var key = space.Key($"seen/{i}");
            await space.Store.PutAsync(key, PatternContent.Bytes(100, i), PutMode.CreateNew, cancellation);
            Unless((await space.Store.TryReadAllAsync(key, cancellation))?.Length == 100, "an object could not be read right after it was put");
            Unless(await ListedAsync(key) is { Size: 100 }, "an object was not in the listing right after it was put");
            await space.Store.PutAsync(key, PatternContent.Bytes(200, i), PutMode.Replace, cancellation);
            Unless((await space.Store.TryReadAllAsync(key, cancellation))?.Length == 200, "the old object was read right after it was replaced");
            Unless(await space.Store.StatAsync(key, cancellation) is { Size: 200 }, "stat gave the size of the old object right after it was replaced");
            Unless(await ListedAsync(key) is { Size: 200 }, "the listing showed the old object right after it was replaced");
            await space.Store.DeleteAsync(key, cancellation);
            Unless(await space.Store.StatAsync(key, cancellation) is null, "an object was there right after it was removed");
            Unless(await ListedAsync(key) is null, "an object was in the listing right after it was removed");
        }

        return $"{times} objects put, replaced and removed, each seen at once by get, stat and list";

        async Task<ObjectListing?> ListedAsync(string key) => (await space.ListAsync("seen/", ListMode.Recursive, cancellation)).Find(item => item.Key == key);
    }

    static async Task CutAsync(ValidationSpace space, string key, PutMode mode, CancellationToken cancellation)
    {
        var cut = new InvalidOperationException("the validation cuts this put");
        try
        {
            await space.Store.PutAsync(key, new PatternContent(1 << 20, 7, _ => Task.FromException(cut)), mode, cancellation);
        }
        catch (Exception e) when (IsCut(e))
        {
            return;
        }

        throw new BrokenPromiseException("a put whose content broke off in the middle was reported as done");

        // As it is, or wrapped by a driver that says which object it was.
        bool IsCut(Exception? e) => e is not null && (ReferenceEquals(e, cut) || IsCut(e.InnerException));
    }
}
