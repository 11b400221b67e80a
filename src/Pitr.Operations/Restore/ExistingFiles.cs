namespace Pitr.Operations.Restore;

/// <summary>Holds what is in the directories of a restore against a backup: what the backup does not have goes, what it has may be kept.</summary>
/// <param name="content">The backup.</param>
/// <param name="target">Prepared.</param>
sealed class ExistingFiles(RestoreContent content, RestoreDirectory target)
{
    readonly Dictionary<int, Dictionary<string, int>> _subdirectories = content.Directories
        .Select((directory, number) => (directory, number))
        .Where(d => d.directory.Parent >= 0)
        .GroupBy(d => d.directory.Parent)
        .ToDictionary(g => g.Key, g => g.ToDictionary(d => Path.GetFileName(d.directory.Path), d => d.number, StringComparer.Ordinal));

    readonly int[] _files = new int[content.Files.Count];
    readonly int[] _firstFile = new int[content.Directories.Count + 1];
    bool _isWhole = true;

    /// <summary>Removes and marks as found. Links are removed, never followed.</summary>
    /// <returns>False when something is missing that an earlier restore says it has written: it cannot be believed.</returns>
    public bool Match()
    {
        SortFiles();
        for (var number = 0; number < content.Directories.Count; number++)
        {
            if (content.Directories[number].Parent < 0)
            {
                Match(number, target.PathOf(content.Directories[number].Place));
            }
        }

        return _isWhole;
    }

    // By directory, because a set of all names at once would be large.
    void SortFiles()
    {
        for (var file = 0; file < content.Files.Count; file++)
        {
            _firstFile[content.Files[file].Directory + 1]++;
        }

        for (var directory = 1; directory < _firstFile.Length; directory++)
        {
            _firstFile[directory] += _firstFile[directory - 1];
        }

        var next = _firstFile.ToArray();
        for (var file = 0; file < content.Files.Count; file++)
        {
            _files[next[content.Files[file].Directory]++] = file;
        }
    }

    void Match(int directory, string path)
    {
        var subdirectories = _subdirectories.GetValueOrDefault(directory);
        var files = FilesOf(directory);
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos())
        {
            var isDirectory = entry is DirectoryInfo && entry.LinkTarget is null;
            if (isDirectory && subdirectories?.TryGetValue(entry.Name, out var subdirectory) == true)
            {
                Match(subdirectory, entry.FullName);
            }
            else if (!isDirectory && files.Remove(entry.Name, out var file) && TryKeep(file, entry.FullName))
            {
                content.Files[file].State = FileState.Found;
            }
            else if (!IsLeftAlone(directory, entry.Name) || subdirectories?.ContainsKey(entry.Name) == true)
            {
                RestoreDirectory.Remove(entry.FullName);
            }
        }

        foreach (var (_, missing) in files)
        {
            _isWhole &= !content.Files[missing].IsBegun;
        }

        foreach (var (name, number) in subdirectories ?? [])
        {
            if (!Directory.Exists(Path.Combine(path, name)))
            {
                MatchMissing(number);
            }
        }
    }

    void MatchMissing(int directory)
    {
        for (var i = _firstFile[directory]; i < _firstFile[directory + 1]; i++)
        {
            _isWhole &= !content.Files[_files[i]].IsBegun;
        }

        foreach (var (_, below) in _subdirectories.GetValueOrDefault(directory) ?? [])
        {
            MatchMissing(below);
        }
    }

    // A file with further names is somebody's snapshot: writing into it would change that as well.
    bool TryKeep(int file, string path)
    {
        var status = FileStatus.Of(path);
        if (!status.IsRegular || status.Links > 1)
        {
            _isWhole &= !content.Files[file].IsBegun;
            return false;
        }

        _isWhole &= !content.Files[file].IsBegun || status.Size == content.Files[file].Size;
        return true;
    }

    Dictionary<string, int> FilesOf(int directory)
    {
        var files = new Dictionary<string, int>(_firstFile[directory + 1] - _firstFile[directory], StringComparer.Ordinal);
        for (var i = _firstFile[directory]; i < _firstFile[directory + 1]; i++)
        {
            if (!files.TryAdd(content.Files.NameOf(_files[i]), _files[i]))
            {
                throw new Format.DamagedObjectException($"the manifest has the file {content.Files.NameOf(_files[i])} twice in one directory");
            }
        }

        return files;
    }

    // The markers, and in a tablespace's directory the versions of other clusters, which may share it.
    bool IsLeftAlone(int directory, string name) =>
        content.Directories[directory] is { Parent: < 0, Place: var place } && (place > 0 || name == RestoreMark.FileName);
}
