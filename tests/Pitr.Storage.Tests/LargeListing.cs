using System.Globalization;

namespace Pitr.Storage.Tests;

/// <summary>
/// A hundred thousand keys, and what a listing of them has to be: half of them side by side, as WAL lies, half in many directories, as packs do.
/// </summary>
static class LargeListing
{
    public const int Count = 100_000;

    const int PerDirectory = 500;
    const int MeasureEvery = 5_000;

    /// <summary>All keys, in the order of a listing.</summary>
    public static IEnumerable<string> Keys(int count = Count)
    {
        for (var i = 0; i < count / 2; i++)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"side/{i:X24}");
        }

        for (var i = 0; i < count / 2; i++)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"tree/{i / PerDirectory:x3}/{i % PerDirectory:x3}");
        }
    }

    /// <summary>The sub-prefixes of <c>tree/</c>.</summary>
    static IEnumerable<string> Directories(int count) => Keys(count).Where(key => key[0] == 't').Select(key => key[..9]).Distinct(StringComparer.Ordinal);

    /// <summary>Makes an empty file for each key: what this driver's own puts would make, without their time.</summary>
    public static void MakeFiles(string root)
    {
        foreach (var key in Keys())
        {
            var path = Path.Combine(root, key);
            if (key[0] == 't' || !Directory.Exists(Path.GetDirectoryName(path)))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            }

            using var file = System.IO.File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        }
    }

    /// <summary>In a process that does nothing else: lists all, and tells what is wrong and by how much the heap grew, in KiB.</summary>
    public static async Task ReportAsync(IObjectStore store, int count, TextWriter output)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var most = before;
        await CompareAsync(store.ListAsync("", ListMode.Recursive, CancellationToken.None), Keys(count), isPrefix: false, "recursive", Measure, output);
        await CompareAsync(
            store.ListAsync("side/", ListMode.Children, CancellationToken.None), Keys(count).Where(key => key[0] == 's'), isPrefix: false, "children", Measure, output);
        await CompareAsync(
            store.ListAsync("tree/", ListMode.Children, CancellationToken.None), Directories(count), isPrefix: true, "prefixes", Measure, output);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"heap {(most - before) / 1024}"));

        void Measure(int listed)
        {
            if (listed % MeasureEvery == 1)
            {
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true));
            }
        }
    }

    /// <summary>Lists in a process of its own and compares.</summary>
    /// <param name="childStore">What <see cref="Child.ChildProgram"/> opens.</param>
    /// <param name="maxHeap">By how many KiB the heap may grow meanwhile.</param>
    /// <param name="count">How many keys there are.</param>
    public static async Task RequireAsync(string childStore, int maxHeap, int count = Count)
    {
        using var child = Child.ChildProcess.Start("list", childStore, count.ToString(CultureInfo.InvariantCulture));
        var lines = await child.ReadToEndAsync();
        Assert.Equal(
            [$"recursive {count} as it should be", $"children {count / 2} as it should be", $"prefixes {count / 2 / PerDirectory} as it should be"], lines[..^1]);
        Assert.InRange(int.Parse(lines[^1]["heap ".Length..]), 0, maxHeap);
    }

    // The keys wanted are in order and different, so a listing that equals them is too.
    static async Task CompareAsync(
        IAsyncEnumerable<ObjectListing> listing, IEnumerable<string> wanted, bool isPrefix, string name, Action<int> measure, TextWriter output)
    {
        using var next = wanted.GetEnumerator();
        var listed = 0;
        await foreach (var item in listing)
        {
            if (!next.MoveNext() || item.Key != next.Current || item.IsPrefix != isPrefix || item.Size != 0)
            {
                await output.WriteLineAsync($"{name}: after {listed} came {item}");
                return;
            }

            measure(++listed);
        }

        await output.WriteLineAsync($"{name} {listed} {(next.MoveNext() ? $"and no more, without {next.Current}" : "as it should be")}");
    }
}
