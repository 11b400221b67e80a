namespace Pitr.Operations.Files;

/// <summary>Which entries of a backup are meant: those that a glob matches, and what lies below them.</summary>
/// <param name="globs">None: all entries are.</param>
public sealed class PathSelection(IReadOnlyList<Glob> globs)
{
    /// <summary>Whether all entries are meant.</summary>
    public bool IsAll => globs.Count == 0;

    /// <summary>Reads globs as a command line has them.</summary>
    /// <exception cref="FormatException">One makes no sense.</exception>
    public static PathSelection Parse(IReadOnlyList<string> globs) => new([.. globs.Select(Glob.Parse)]);

    /// <summary>Whether an entry is meant.</summary>
    /// <param name="path">Of the manifest.</param>
    /// <param name="isDirectory">Whether it is a directory.</param>
    public bool Holds(string path, bool isDirectory)
    {
        if (IsAll)
        {
            return true;
        }

        var text = Glob.TextOf(path).AsSpan();
        foreach (var glob in globs)
        {
            if (glob.Matches(text, isDirectory) || glob.Matches([], isDirectory: true))
            {
                return true;
            }

            for (var end = text.IndexOf('/'); end >= 0;)
            {
                if (glob.Matches(text[..end], isDirectory: true))
                {
                    return true;
                }

                var next = text[(end + 1)..].IndexOf('/');
                end = next < 0 ? -1 : end + 1 + next;
            }
        }

        return false;
    }
}
