using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>
/// Everything in the directory of a repository, also what is no object: for who wants to know what does not belong there. Links are not followed. Its memory
/// is bounded by the largest directories.
/// </summary>
public sealed class FileTree
{
    const int Batch = 256;

    readonly string _root;
    readonly FileErrors _errors;
    readonly DirectoryReader _reader;
    readonly RepositoryTree _tree;

    /// <summary>The tree of a repository.</summary>
    /// <param name="name">The repository's name in the configuration, for messages.</param>
    /// <param name="root">Its directory, an absolute path.</param>
    /// <param name="clock">Source of time.</param>
    public FileTree(string name, string root, TimeProvider clock)
    {
        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        _errors = new FileErrors(name, _root);
        _reader = new DirectoryReader(_errors);
        _tree = new RepositoryTree(_root, _errors, new FileSystemFeatures(), clock);
    }

    /// <summary>Unfinished objects older than this belong to nobody any more.</summary>
    public static TimeSpan LeftoverAge => RepositoryTree.LeftoverAge;

    /// <summary>Goes through it, the repository's directory first.</summary>
    /// <param name="unreadable">Told each directory or name that could not be looked at; the walk goes on with the others.</param>
    /// <param name="cancellation">Ends the walk.</param>
    /// <exception cref="StorageException">The repository's directory is not there or cannot be opened.</exception>
    public async IAsyncEnumerable<FileTreeEntry> WalkAsync(Action<string, StorageException> unreadable, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(unreadable);
        using var walk = Walk(unreadable).GetEnumerator();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            // Not on the caller's thread: the calls of the file system block.
            var batch = await Task.Run(() => Next(walk), cancellation);
            foreach (var entry in batch)
            {
                yield return entry;
            }

            if (batch.Count == 0)
            {
                yield break;
            }
        }
    }

    static List<FileTreeEntry> Next(IEnumerator<FileTreeEntry> walk)
    {
        var batch = new List<FileTreeEntry>();
        while (batch.Count < Batch && walk.MoveNext())
        {
            batch.Add(walk.Current);
        }

        return batch;
    }

    IEnumerable<FileTreeEntry> Walk(Action<string, StorageException> unreadable)
    {
        using var root = _tree.Root.Open();
        _errors.TryStat(root, "", key: null, _root, out var status);
        yield return Entry(".", null, isUnfinished: false, status);
        foreach (var entry in Walk(root, "", unreadable))
        {
            yield return entry;
        }
    }

    IEnumerable<FileTreeEntry> Walk(SafeFileHandle directory, string directoryKey, Action<string, StorageException> unreadable)
    {
        var path = _tree.PathOf(directoryKey);
        if (!Try(() => _reader.ReadAll(directory, directoryKey, path), directoryKey.Length == 0 ? "." : directoryKey, unreadable, out var names))
        {
            yield break;
        }

        foreach (var (name, printable) in names!)
        {
            var shown = directoryKey.Length == 0 ? printable : $"{directoryKey}/{printable}";
            if (name is null)
            {
                // It cannot even be asked for by a name that is no text.
                yield return new FileTreeEntry(shown, null, IsUnfinished: false, FileTreeEntryKind.Other, 0, DateTimeOffset.UnixEpoch, 0, uint.MaxValue);
                continue;
            }

            if (!Try(() => _errors.TryStat(directory, name, key: null, $"{path}/{name}", out var found) ? found : (FileStatus?)null, shown, unreadable, out var status) || status is not { } there
                || directoryKey.Length == 0 && there.IsDirectory && name == ObjectKey.FileSystemDirectory)
            {
                continue;
            }

            var isUnfinished = name.StartsWith(ObjectKey.ReservedPrefix, StringComparison.Ordinal);
            var key = directoryKey.Length == 0 ? name : $"{directoryKey}/{name}";
            var isKey = !isUnfinished && ObjectKey.IsValid(key);
            yield return Entry(shown, isKey ? key : null, isUnfinished, there);
            if (!there.IsDirectory || !isKey || !Try(() => _tree.OpenChild(directory, name, key, key, out _), shown, unreadable, out var child) || child is null)
            {
                continue;
            }

            using (child)
            {
                foreach (var entry in Walk(child, key, unreadable))
                {
                    yield return entry;
                }
            }
        }
    }

    static bool Try<T>(Func<T> ask, string path, Action<string, StorageException> unreadable, out T? answer)
    {
        try
        {
            answer = ask();
            return true;
        }
        catch (StorageException e)
        {
            unreadable(path, e);
            answer = default;
            return false;
        }
    }

    static FileTreeEntry Entry(string path, string? key, bool isUnfinished, FileStatus status) => new(
        path,
        key,
        isUnfinished,
        (status.Mode & LibC.S_IFMT) switch
        {
            LibC.S_IFREG => FileTreeEntryKind.File,
            LibC.S_IFDIR => FileTreeEntryKind.Directory,
            LibC.S_IFLNK => FileTreeEntryKind.SymbolicLink,
            LibC.S_IFSOCK => FileTreeEntryKind.Socket,
            LibC.S_IFIFO => FileTreeEntryKind.Pipe,
            LibC.S_IFCHR or LibC.S_IFBLK => FileTreeEntryKind.Device,
            _ => FileTreeEntryKind.Other,
        },
        (long)status.Size,
        status.Modified,
        status.Mode & ~LibC.S_IFMT,
        status.Owner);
}
