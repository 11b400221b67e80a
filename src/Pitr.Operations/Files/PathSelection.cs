namespace Pitr.Operations.Files;

/// <summary>Which entries of a backup are meant: those that a glob matches, and what lies below them.</summary>
/// <param name="globs">None: all entries are.</param>
/// <param name="except">A directory of which nothing is meant, as a path of the manifest; null: there is none.</param>
public sealed class PathSelection(IReadOnlyList<Glob> globs, string? except = null)
{
    /// <summary>Whether all entries are meant.</summary>
    public bool IsAll => globs.Count == 0 && except is null;

    /// <summary>Reads globs as a command line has them.</summary>
    /// <exception cref="FormatException">One makes no sense.</exception>
    public static PathSelection Parse(IReadOnlyList<string> globs) => new([.. globs.Select(Glob.Parse)]);

    /// <summary>The same, but for a directory with everything in it.</summary>
    /// <param name="directory">Path of the manifest.</param>
    public PathSelection Without(string directory) => new(globs, directory);

    /// <summary>Whether an entry is meant.</summary>
    /// <param name="path">Of the manifest.</param>
    /// <param name="isDirectory">Whether it is a directory.</param>
    public bool Holds(string path, bool isDirectory)
    {
        if (except is not null && path.StartsWith(except, StringComparison.Ordinal) && (path.Length == except.Length || path[except.Length] == '/'))
        {
            return false;
        }

        if (globs.Count == 0)
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
