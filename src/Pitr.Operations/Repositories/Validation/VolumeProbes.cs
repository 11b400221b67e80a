using System.Globalization;
using Pitr.Storage;
using static Pitr.Operations.Repositories.Validation.BrokenPromiseException;

namespace Pitr.Operations.Repositories.Validation;

/// <summary>Many objects, large objects, many at once; and how fast.</summary>
/// <param name="largeObject">Bytes of the large object.</param>
sealed class VolumeProbes(long largeObject)
{
    const int ParallelSize = 64 << 10;
    const int LatencySize = 4096;
    const int LatencyTries = 30;

    // On a slow line fewer tries must do.
    static readonly TimeSpan LatencyLimit = TimeSpan.FromSeconds(3);

    /// <summary>What was measured so far.</summary>
    public ValidationRates Rates { get; private set; } = new();

    public static async Task<string> ListingAsync(ValidationSpace space, CancellationToken cancellation)
    {
        // Names in which "/" and its neighbours in the alphabet meet, where sorting by directories goes wrong.
        var count = space.IsSlow ? 30 : 300;
        var keys = Enumerable.Range(0, count).Select(i => space.Key($"list/{(i % 3) switch { 0 => $"d{i % 7}/{i}", 1 => $"d{i % 7}-{i}", _ => $"d{i % 7}0{i}" }}"))
            .Order(Comparer<string>.Create(ObjectKey.Compare)).ToArray();
        await ValidationSpace.OnEachAsync(keys, (key, token) => space.Store.PutAsync(key, new byte[] { 1 }, PutMode.CreateNew, token), cancellation);
        RequireSame("everything below a prefix", keys, [.. (await space.ListAsync("list/", ListMode.Recursive, cancellation)).Select(item => item.Key)]);
        RequireSame(
            "a prefix in the middle of a name",
            [.. keys.Where(key => key.StartsWith($"{space.Prefix}list/d3", StringComparison.Ordinal))],
            [.. (await space.ListAsync("list/d3", ListMode.Recursive, cancellation)).Select(item => item.Key)]);
        var children = keys.Select(key => key.IndexOf('/', space.Prefix.Length + 5) is var slash and > 0 ? key[..(slash + 1)] : key).Distinct(StringComparer.Ordinal)
            .Order(Comparer<string>.Create(ObjectKey.Compare)).ToArray();
        var listed = await space.ListAsync("list/", ListMode.Children, cancellation);
        RequireSame("the next level", children, [.. listed.Select(item => item.Key)]);
        Unless(listed.TrueForAll(item => item.IsPrefix == item.Key.EndsWith('/')), "the next level takes objects for prefixes, or the other way round");
        return $"{count} names complete and in order, by prefix and by level";
    }

    public async Task<string> LatencyAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var content = PatternContent.Bytes(LatencySize, 8);
        var (puts, gets) = (new List<TimeSpan>(), new List<TimeSpan>());
        var started = space.Clock.GetTimestamp();
        for (var i = 0; i < LatencyTries && (i < 3 || space.Clock.GetElapsedTime(started) < LatencyLimit); i++)
        {
            var key = space.Key($"small/{i}");
            var begun = space.Clock.GetTimestamp();
            await space.Store.PutAsync(key, content, PutMode.CreateNew, cancellation);
            puts.Add(space.Clock.GetElapsedTime(begun));
            begun = space.Clock.GetTimestamp();
            var read = await space.Store.ReadAllAsync(key, cancellation);
            gets.Add(space.Clock.GetElapsedTime(begun));
            Unless(read.AsSpan().SequenceEqual(content), "a small object was read with other bytes than were put");
        }

        Rates = Rates with { PutMedian = At(puts, 0.5), PutSlow = At(puts, 0.95), GetMedian = At(gets, 0.5), GetSlow = At(gets, 0.95) };
        return $"{puts.Count} objects of 4 KiB, one after the other";
    }

    public async Task<string> ParallelAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var count = space.IsSlow ? 16 : 48;
        var items = Enumerable.Range(0, count).Select(i => (Key: space.Key($"parallel/{i}"), Seed: 200 + i)).ToArray();
        var started = space.Clock.GetTimestamp();
        await ValidationSpace.OnEachAsync(
            items, (item, token) => space.Store.PutAsync(item.Key, new PatternContent(ParallelSize, item.Seed), PutMode.CreateNew, token), cancellation);
        var putting = space.Clock.GetElapsedTime(started);
        started = space.Clock.GetTimestamp();
        await ValidationSpace.OnEachAsync(items, (item, token) => RequireContentAsync(space, item.Key, new PatternContent(ParallelSize, item.Seed), token), cancellation);
        Rates = Rates with { PutsPerSecond = PerSecond(count, putting), GetsPerSecond = PerSecond(count, space.Clock.GetElapsedTime(started)) };
        return $"{count} puts and gets of 64 KiB, 16 at once, do not disturb each other";
    }

    public async Task<string> LargeAsync(ValidationSpace space, CancellationToken cancellation)
    {
        var key = space.Key("large");
        var content = new PatternContent(largeObject, 9);
        var started = space.Clock.GetTimestamp();
        await space.Store.PutAsync(key, content, PutMode.CreateNew, cancellation);
        Rates = Rates with { Upload = PerSecond(largeObject, space.Clock.GetElapsedTime(started)) };
        Unless(await space.Store.StatAsync(key, cancellation) is { } info && info.Size == largeObject, $"an object of {largeObject} bytes is not there with that size");
        started = space.Clock.GetTimestamp();
        await RequireContentAsync(space, key, content, cancellation);
        Rates = Rates with { Download = PerSecond(largeObject, space.Clock.GetElapsedTime(started)) };
        return string.Create(CultureInfo.InvariantCulture, $"{largeObject / 1048576.0:0.#} MiB there and back");
    }

    static async Task RequireContentAsync(ValidationSpace space, string key, PatternContent content, CancellationToken cancellation)
    {
        await using var stream = await space.Store.OpenReadAsync(key, range: null, cancellation);
        var same = await content.CompareAsync(stream, cancellation);
        Unless(same == content.Length, $"an object of {content.Length} bytes was read with other bytes, or ended, after {same}");
    }

    static void RequireSame(string what, string[] expected, string[] listed)
    {
        if (listed.SequenceEqual(expected, StringComparer.Ordinal))
        {
            return;
        }

        var missing = expected.Except(listed, StringComparer.Ordinal).ToArray();
        var strange = listed.Except(expected, StringComparer.Ordinal).ToArray();
        throw new BrokenPromiseException($"listing {what} " + (missing, strange) switch
        {
            ([var first, ..], _) => $"leaves out {missing.Length} of {expected.Length} names, for example \"{first}\"",
            (_, [var first, ..]) => $"shows {strange.Length} names that should not be there, for example \"{first}\"",
            _ when listed.Length > expected.Length => $"shows {listed.Length - expected.Length} names twice",
            _ => "is not in the order of the names' bytes",
        });
    }

    static double PerSecond(double amount, TimeSpan elapsed) => elapsed > TimeSpan.Zero ? amount / elapsed.TotalSeconds : 0;

    static TimeSpan At(List<TimeSpan> times, double share)
    {
        times.Sort();
        return times[(int)Math.Min(times.Count - 1, Math.Ceiling(times.Count * share) - 1)];
    }
}
