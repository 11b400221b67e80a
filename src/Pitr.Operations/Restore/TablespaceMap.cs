using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore;

/// <summary>Where tablespaces go that shall not go back to the directories they came from.</summary>
public sealed class TablespaceMap
{
    const string Example = "--tablespace-map 16385=/srv/copy/fast, or the old directory before the equals sign";

    readonly IReadOnlyList<(string Old, string New)> _entries;
    readonly string? _below;

    TablespaceMap(IReadOnlyList<(string Old, string New)> entries, string? below) => (_entries, _below) = (entries, below);

    /// <summary>Every tablespace goes back to the directory it came from.</summary>
    public static TablespaceMap Original { get; } = new([], null);

    /// <summary>The same, but tablespaces that it does not name go where a cluster has them now, whatever the backup says.</summary>
    /// <param name="current">Absolute directories by OID.</param>
    public TablespaceMap With(IReadOnlyDictionary<string, string> current) => new(_entries, _below) { Current = current };

    IReadOnlyDictionary<string, string> Current { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Every tablespace gets a directory of its own, named after its OID: for scratch clusters.</summary>
    /// <param name="directory">Absolute; where these directories are made.</param>
    public static TablespaceMap Below(string directory) => new([], directory);

    /// <summary>Reads OLD=NEW as people write it. OLD is an OID or the directory that the tablespace had; NEW is absolute.</summary>
    /// <exception cref="RefusedInputException">One cannot be read, has a relative NEW, or names the same OLD as another.</exception>
    public static TablespaceMap Parse(IReadOnlyList<string> texts)
    {
        var entries = new List<(string Old, string New)>();
        foreach (var text in texts)
        {
            var separator = text.IndexOf("=/", StringComparison.Ordinal);
            if (separator < 1)
            {
                throw new RefusedInputException($"--tablespace-map {text} is not OLD=NEW with an absolute directory NEW", Example);
            }

            var old = text[..separator];
            old = old[0] == '/' ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(old)) : old;
            if (entries.Exists(e => e.Old == old))
            {
                throw new RefusedInputException($"--tablespace-map names {old} twice", Example);
            }

            entries.Add((old, Path.TrimEndingDirectorySeparator(Path.GetFullPath(text[(separator + 1)..]))));
        }

        return new TablespaceMap(entries, null);
    }

    /// <summary>Gives every tablespace its directory, without looking into it.</summary>
    /// <param name="tablespaces">Those of the backup.</param>
    /// <param name="dataDirectory">Absolute.</param>
    /// <exception cref="ImpossiblePlanException">
    /// A map names none of them; two would share a directory, or one would lie in, around or at the data directory or another; an original
    /// directory is not an absolute path.
    /// </exception>
    public IReadOnlyList<TablespacePlace> Place(IReadOnlyList<RestoreTablespace> tablespaces, string dataDirectory)
    {
        foreach (var (old, _) in _entries)
        {
            if (!tablespaces.Any(t => IsNamed(t, old)))
            {
                throw new ImpossiblePlanException(
                    $"--tablespace-map {old}=… names no tablespace of the backup",
                    tablespaces.Count == 0 ? "it has none" : $"it has {string.Join(", ", tablespaces.Select(t => $"{t.Oid} in {t.Location}"))}");
            }
        }

        var data = RealPath(dataDirectory);
        var places = new List<TablespacePlace>();
        foreach (var tablespace in tablespaces)
        {
            var target = TargetOf(tablespace);
            var place = new TablespacePlace(tablespace, target, RealPath(target));
            RequireApart(place, data, "the data directory");
            foreach (var other in places)
            {
                RequireApart(place, other.Directory, $"the directory of tablespace {other.Tablespace.Oid}");
            }

            places.Add(place);
        }

        return places;
    }

    static bool IsNamed(RestoreTablespace tablespace, string old) =>
        old == tablespace.Oid || old == Path.TrimEndingDirectorySeparator(tablespace.Location);

    string TargetOf(RestoreTablespace tablespace)
    {
        if (_below is not null)
        {
            return Path.Combine(_below, tablespace.Oid);
        }

        // The OID says more than the directory, which a map may name for another reason.
        var mapped = _entries.Where(e => IsNamed(tablespace, e.Old)).OrderBy(e => e.Old == tablespace.Oid ? 0 : 1).Select(e => e.New).FirstOrDefault();
        if ((mapped ?? Current.GetValueOrDefault(tablespace.Oid)) is { } known)
        {
            return known;
        }

        var location = Path.TrimEndingDirectorySeparator(tablespace.Location);
        return location.StartsWith('/') && location == Path.TrimEndingDirectorySeparator(Path.GetFullPath(location))
            ? location
            : throw new ImpossiblePlanException(
                $"pg_tblspc/{tablespace.Oid} of the backup is a link to {tablespace.Location}, which is not a plain absolute path",
                $"say where it goes: --tablespace-map {tablespace.Oid}=DIRECTORY");
    }

    static void RequireApart(TablespacePlace place, string other, string what)
    {
        var relation = place.Directory == other ? "is" : IsInside(place.Directory, other) ? "lies in" : IsInside(other, place.Directory) ? "lies around" : null;
        if (relation is not null)
        {
            throw new ImpossiblePlanException(
                $"tablespace {place.Tablespace.Oid} would be restored to {place.Target}, which {relation} {what} ({other})",
                $"give it a directory of its own: --tablespace-map {place.Tablespace.Oid}=DIRECTORY");
        }
    }

    static bool IsInside(string path, string directory) => directory == "/" || path.StartsWith(directory + "/", StringComparison.Ordinal);

    /// <summary>A path with every link on the way resolved; what does not exist yet stays as it is.</summary>
    internal static string RealPath(string path)
    {
        var real = "/";
        foreach (var part in Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = Path.Combine(real, part);
            real = new DirectoryInfo(next) is { LinkTarget: not null } link ? RealPath(link.ResolveLinkTarget(returnFinalTarget: true)!.FullName) : next;
        }

        return real;
    }
}
