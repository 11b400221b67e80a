using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Operations.Files;

namespace Pitr.Operations.Drill.Files;

/// <summary>How many things a tree holds, and how many bytes its files have.</summary>
readonly record struct TreeCounts(long Files, long Bytes, long Directories, long Links, long HardLinks, long Specials)
{
    /// <summary>Whether there is nothing but directories.</summary>
    public bool IsEmpty => Files + Links + HardLinks + Specials == 0;

    /// <summary>Of what the manifest says that is meant; without sockets, which nothing restores.</summary>
    public static TreeCounts Of(TreePlan plan, CancellationToken cancellation)
    {
        var counts = default(TreeCounts);
        foreach (var (entry, _) in plan.Entries(cancellation))
        {
            counts = entry.Kind switch
            {
                ManifestEntryKind.Directory => counts with { Directories = counts.Directories + 1 },
                ManifestEntryKind.File => counts with { Files = counts.Files + 1, Bytes = counts.Bytes + entry.Size },
                ManifestEntryKind.Link => counts with { Links = counts.Links + 1 },
                ManifestEntryKind.HardLink => counts with { HardLinks = counts.HardLinks + 1 },
                _ when entry.Metadata!.Special == FileMetadata.Socket => counts,
                _ => counts with { Specials = counts.Specials + 1 },
            };
        }

        return counts;
    }

    /// <summary>Of what the catalog's entry says.</summary>
    public static TreeCounts Of(BackupDocument backup) => backup.Tree is { } tree
        ? new TreeCounts(backup.Files, backup.DatabaseBytes, tree.Directories, tree.Links, tree.HardLinks, tree.Specials)
        : new TreeCounts(backup.Files, backup.DatabaseBytes, 0, 0, 0, 0);

    /// <summary>Of what lies on a disk.</summary>
    public static TreeCounts Of(RestoredWalk walk, CancellationToken cancellation)
    {
        var counts = default(TreeCounts);
        foreach (var file in walk.Run(cancellation))
        {
            counts = file.Status.Type switch
            {
                TreeCalls.DirectoryType => counts with { Directories = counts.Directories + 1 },
                TreeCalls.Regular when file.IsFurtherName => counts with { HardLinks = counts.HardLinks + 1 },
                TreeCalls.Regular => counts with { Files = counts.Files + 1, Bytes = counts.Bytes + file.Status.Size },
                TreeCalls.Link => counts with { Links = counts.Links + 1 },
                _ => counts with { Specials = counts.Specials + 1 },
            };
        }

        return counts;
    }

    /// <summary>What differs, in words.</summary>
    /// <param name="wanted">What should be.</param>
    /// <param name="who">Who says so.</param>
    public IEnumerable<string> Differences(TreeCounts wanted, string who)
    {
        (string Word, long Found, long Wanted)[] all =
        [
            ("files", Files, wanted.Files), ("bytes", Bytes, wanted.Bytes), ("directories", Directories, wanted.Directories),
            ("symbolic links", Links, wanted.Links), ("further names", HardLinks, wanted.HardLinks), ("pipes and devices", Specials, wanted.Specials),
        ];
        return all.Where(count => count.Found != count.Wanted).Select(count => $"{count.Word}: {count.Found}, but {who} has {count.Wanted}");
    }

    /// <summary>As the report has it.</summary>
    /// <param name="paths">The globs that were asked for.</param>
    public DrillTree ToReport(IReadOnlyList<string> paths) => new(paths, Files, Bytes, Directories, Links, HardLinks, Specials);
}
