using Pitr.Format.Wal;
using Pitr.Postgres.Pages;

namespace Pitr.EndToEnd.Tests.Pages;

/// <summary>A page that differs.</summary>
/// <param name="Path">Its file, below the data directory.</param>
/// <param name="OnlyFirst">The second cluster does not have this page.</param>
/// <param name="Text">All that there is to say.</param>
sealed record PageDifference(string Path, bool OnlyFirst, string Text)
{
    public override string ToString() => Text;
}

/// <summary>Compares the relations of two stopped clusters, page by page.</summary>
static class ClusterPages
{
    const int PageSize = 8192;

    /// <summary>Every page that differs, with the number of pages compared.</summary>
    /// <param name="left">A data directory.</param>
    /// <param name="right">Another one.</param>
    /// <param name="changed">Pages that have a position from here on in the second are left out; they were changed since.</param>
    public static (IReadOnlyList<PageDifference> Differences, int Pages) Compare(string left, string right, Lsn? changed = null)
    {
        var differences = new List<PageDifference>();
        var pages = 0;
        foreach (var path in RelationFiles(left).Union(RelationFiles(right)).Order(StringComparer.Ordinal))
        {
            // A relation that is gone may leave an empty file until the next checkpoint; pages that were only reserved are nothing but zeros.
            var (one, other) = (Read(Path.Combine(left, path)), Read(Path.Combine(right, path)));
            for (var block = 0; block < Math.Max(one.Length, other.Length) / PageSize; block++)
            {
                var (a, b) = (PageAt(one, block), PageAt(other, block));
                if (DataPage.Lsn(b) >= changed)
                {
                    continue;
                }

                pages++;
                ComparablePage.Mask(a);
                ComparablePage.Mask(b);
                if (!a.AsSpan().SequenceEqual(b))
                {
                    differences.Add(new(
                        path, !Has(other, block), $"{path} block {block}: {Describe(one, block)} and {Describe(other, block)}, first at byte {a.AsSpan().CommonPrefixLength(b)}"));
                }
            }
        }

        return (differences, pages);
    }

    static IEnumerable<string> RelationFiles(string directory) => new[] { "base", "global" }
        .SelectMany(root => Directory.EnumerateFiles(Path.Combine(directory, root), "*", SearchOption.AllDirectories))
        .Select(path => Path.GetRelativePath(directory, path))
        .Where(path => RelationFileName.TryParse(path, out var name) && name is { Fork: RelationFork.Main or RelationFork.Initial, IsTemporary: false });

    static byte[] Read(string path) => File.Exists(path) ? File.ReadAllBytes(path) : [];

    static bool Has(byte[] file, int block) => (block + 1) * PageSize <= file.Length;

    static byte[] PageAt(byte[] file, int block) => Has(file, block) ? file[(block * PageSize)..((block + 1) * PageSize)] : new byte[PageSize];

    static string Describe(byte[] file, int block) => Has(file, block) ? $"LSN {DataPage.Lsn(file.AsSpan(block * PageSize))}" : "nothing";
}
