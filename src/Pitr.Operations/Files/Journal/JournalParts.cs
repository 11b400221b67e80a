using Pitr.Format.Catalog;

namespace Pitr.Operations.Files.Journal;

/// <summary>Which parts of the journal a new backup takes over, and which become one: else each backup would leave a part, and a pack, for as long as entries are kept.</summary>
static class JournalParts
{
    /// <summary>So many parts become one.</summary>
    public const int Together = 16;

    /// <summary>Parts that have more bytes than this together stay as they are: each of them is large enough.</summary>
    public const long Largest = 128 << 20;

    // A part goes as a whole, so it must not span too much of the time that entries are kept.
    const int ShareOfKeep = 4;

    /// <summary>Says what becomes of the parts.</summary>
    /// <param name="parts">Of the newest backup, in order.</param>
    /// <param name="now">The present.</param>
    /// <param name="keep">How long entries are kept.</param>
    /// <returns>What each part of the new backup is made of; in order.</returns>
    public static IReadOnlyList<IReadOnlyList<JournalPart>> Plan(IReadOnlyList<JournalPart> parts, DateTimeOffset now, TimeSpan keep)
    {
        var groups = parts.Where(part => part.Last >= now - keep).Select(static part => (IReadOnlyList<JournalPart>)[part]).ToList();
        while (groups.Count >= Together && MayBecomeOne(groups[^Together..], keep))
        {
            IReadOnlyList<JournalPart> one = [.. groups[^Together..].SelectMany(static group => group)];
            groups.RemoveRange(groups.Count - Together, Together);
            groups.Add(one);
        }

        return groups;
    }

    static bool MayBecomeOne(List<IReadOnlyList<JournalPart>> groups, TimeSpan keep)
    {
        var parts = groups.SelectMany(static group => group).ToList();
        return groups.TrueForAll(group => Level(group) == Level(groups[0]))
            && parts.Sum(static part => part.Bytes) <= Largest
            && parts.Max(static part => part.Last) - parts.Min(static part => part.First) <= keep / ShareOfKeep;
    }

    // How often it was put together: 0 for up to 15 backups, 1 for up to 255.
    static int Level(IReadOnlyList<JournalPart> group)
    {
        var level = 0;
        for (var backups = group.Sum(static part => (long)part.Backups); backups >= Together; backups /= Together)
        {
            level++;
        }

        return level;
    }
}
