using System.Globalization;
using Pitr.Format.Catalog;

namespace Pitr.Operations.Dumps;

/// <summary>Counts of a server before and after a dump, and how they are held against those of a restored one.</summary>
static class StreamCounts
{
    /// <summary>What is recorded of a stream. Nothing if either could not be asked.</summary>
    public static IReadOnlyList<DumpCount> Merge(IReadOnlyList<ServerCount>? before, IReadOnlyList<ServerCount>? after)
    {
        if (before is null || after is null)
        {
            return [];
        }

        return [.. before.Concat(after).Select(c => c.Name).Distinct(StringComparer.Ordinal).Select(name =>
        {
            var (was, then) = (Find(before, name), Find(after, name));
            return new DumpCount(name, was.Number, then.Number, Math.Max(was.Expiring, then.Expiring) is > 0 and var expiring ? expiring : null);
        })];
    }

    /// <summary>What is recorded of a stream that was counted itself.</summary>
    public static IReadOnlyList<DumpCount> Exact(IReadOnlyDictionary<string, long> counted) =>
        [.. counted.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => new DumpCount(c.Key, c.Value, c.Value))];

    /// <summary>Holds what was recorded against what is there.</summary>
    /// <param name="recorded">Of the stream.</param>
    /// <param name="found">In the restored server.</param>
    /// <returns>What does not fit; what does not, but may be because the server was written to during the dump; and what is there, in words.</returns>
    public static (IReadOnlyList<string> Wrong, IReadOnlyList<string> Unclear, string Found) Compare(IReadOnlyList<DumpCount> recorded, IReadOnlyList<ServerCount> found)
    {
        var (wrong, unclear) = (new List<string>(), new List<string>());
        foreach (var count in recorded)
        {
            var number = Find(found, count.Name).Number;
            var (least, most) = (Math.Min(count.Before, count.After) - (count.Expiring ?? 0), Math.Max(count.Before, count.After));
            if (number < least || number > most)
            {
                (count.Before == count.After ? wrong : unclear).Add($"{count.Name}: {Text(number)}, but the server had {Said(count)}");
            }
        }

        // What nobody counted at the backup is none then: a list names everything that there was.
        wrong.AddRange(recorded.Count == 0 ? [] : found.Where(c => c.Number > 0 && recorded.All(r => r.Name != c.Name)).Select(c => $"{c.Name}: {Text(c.Number)}, but the server had none"));
        return (wrong, unclear, found.Count == 0 ? "nothing" : string.Join(", ", found.Select(c => $"{c.Name}: {Text(c.Number)}")));
    }

    static string Said(DumpCount count) =>
        (count.Before == count.After ? Text(count.Before) : $"{Text(count.Before)} before the dump and {Text(count.After)} after it")
        + (count.Expiring is { } expiring ? $", of which {Text(expiring)} may have expired" : "");

    static ServerCount Find(IReadOnlyList<ServerCount> counts, string name) => counts.FirstOrDefault(c => c.Name == name) ?? new ServerCount(name, 0);

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
