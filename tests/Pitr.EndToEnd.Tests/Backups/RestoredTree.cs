using System.Security.Cryptography;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>Every file, directory and link below the directories of a restore, with its mode and every byte; without the marks of an unfinished one.</summary>
sealed class RestoredTree
{
    const string Mark = ".pitr-restore-incomplete";

    readonly SortedDictionary<string, string> _entries = new(StringComparer.Ordinal);

    /// <summary>No directories.</summary>
    public static RestoredTree Nothing { get; } = new();

    public static RestoredTree Read(params string[] directories)
    {
        var tree = new RestoredTree();
        for (var place = 0; place < directories.Length; place++)
        {
            tree.Add(directories[place], $"{place}:");
        }

        return tree;
    }

    /// <summary>Whether a directory says of itself that it is unfinished.</summary>
    public static bool IsMarked(string directory) => File.Exists(Path.Combine(directory, Mark));

    /// <summary>Packs that are noted as written whole in a directory's mark.</summary>
    public static int PacksIn(string directory)
    {
        try
        {
            return File.ReadLines(Path.Combine(directory, Mark)).Count(line => line.StartsWith("pack ", StringComparison.Ordinal));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return 0;
        }
    }

    void Add(string directory, string name)
    {
        foreach (var path in Directory.Exists(directory) ? Directory.EnumerateFileSystemEntries(directory) : [])
        {
            var info = new FileInfo(path);
            if (info.Name.StartsWith(Mark, StringComparison.Ordinal))
            {
                continue;
            }

            var below = $"{name}/{info.Name}";
            // Where a link leads is the caller's business: the directories are at other places.
            _entries[below] = info.LinkTarget is not null ? "link"
                : Directory.Exists(path) ? $"directory {File.GetUnixFileMode(path)}"
                : $"{File.GetUnixFileMode(path)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}";
            if (_entries[below].StartsWith("directory", StringComparison.Ordinal))
            {
                Add(path, below);
            }
        }
    }

    /// <summary>The same but for one file.</summary>
    /// <param name="name">Below the first directory.</param>
    public RestoredTree Without(string name)
    {
        var tree = new RestoredTree();
        foreach (var (path, content) in _entries.Where(entry => entry.Key != $"0:/{name}"))
        {
            tree._entries[path] = content;
        }

        return tree;
    }

    /// <summary>The first entries that differ; empty when the trees are the same.</summary>
    public string Difference(RestoredTree other) => string.Join('\n', _entries.Keys.Union(other._entries.Keys)
        .Where(name => _entries.GetValueOrDefault(name) != other._entries.GetValueOrDefault(name))
        .Select(name => $"{name}: {_entries.GetValueOrDefault(name) ?? "nothing"}, and {other._entries.GetValueOrDefault(name) ?? "nothing"}")
        .Take(10));
}
