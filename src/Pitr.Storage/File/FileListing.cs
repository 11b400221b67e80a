using System.Runtime.ExceptionServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>
/// A listing under way. Holds the names of the directories between root and current position, so its memory is bounded by the largest
/// directories, not by the repository.
/// </summary>
sealed class FileListing : IDisposable
{
    readonly RepositoryTree _tree;
    readonly FileErrors _errors;
    readonly ListMode _mode;
    readonly IEnumerator<ObjectListing> _walk;

    public FileListing(RepositoryTree tree, FileErrors errors, string prefix, ListMode mode)
    {
        _tree = tree;
        _errors = errors;
        _mode = mode;
        _walk = Walk(prefix).GetEnumerator();
    }

    /// <summary>The next lines, none at the end, and what kept it from finding more.</summary>
    public (List<ObjectListing> Found, ExceptionDispatchInfo? Failure) Next(int count)
    {
        var found = new List<ObjectListing>();
        try
        {
            while (found.Count < count && _walk.MoveNext())
            {
                found.Add(_walk.Current);
            }

            return (found, null);
        }
        catch (StorageException failure)
        {
            return (found, ExceptionDispatchInfo.Capture(failure));
        }
    }

    public void Dispose() => _walk.Dispose();

    IEnumerable<ObjectListing> Walk(string prefix)
    {
        var slash = prefix.LastIndexOf('/');
        var directoryKey = slash < 0 ? "" : prefix[..slash];
        var beginning = prefix[(slash + 1)..];
        using var directory = _tree.OpenDirectory(directoryKey, key: prefix.Length == 0 ? null : prefix);
        if (directory is not null)
        {
            foreach (var listing in Walk(directory, directoryKey, beginning))
            {
                yield return listing;
            }
        }
    }

    IEnumerable<ObjectListing> Walk(SafeFileHandle directory, string directoryKey, string beginning)
    {
        foreach (var entry in _tree.ReadEntries(directory, directoryKey))
        {
            if (!entry.Name.StartsWith(beginning, StringComparison.Ordinal))
            {
                continue;
            }

            var key = directoryKey.Length == 0 ? entry.Name : $"{directoryKey}/{entry.Name}";
            if (entry.IsDirectory && _mode == ListMode.Children)
            {
                yield return new ObjectListing(key + "/", 0, DateTimeOffset.UnixEpoch, IsPrefix: true);
            }
            else if (entry.IsDirectory)
            {
                using var child = _tree.OpenChild(directory, entry.Name, key, key, out _);
                if (child is not null)
                {
                    foreach (var listing in Walk(child, key, ""))
                    {
                        yield return listing;
                    }
                }
            }
            else if (entry.IsRegularFile && _mode == ListMode.Names)
            {
                yield return new ObjectListing(key, 0, DateTimeOffset.UnixEpoch, IsPrefix: false);
            }
            else if (_tree.TryStat(directory, entry.Name, key, _tree.PathOf(key), out var status) && !status.IsDirectory)
            {
                // Left out, a link would look like "absent".
                _errors.RequireRegularFile(key, _tree.PathOf(key), status);
                yield return new ObjectListing(key, (long)status.Size, status.Modified, IsPrefix: false);
            }
        }
    }
}
