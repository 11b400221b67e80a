using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>Puts files into a repository, byte for byte.</summary>
public sealed class RepositoryUpload(IObjectStore store)
{
    /// <summary>Puts one file.</summary>
    /// <returns>Its size.</returns>
    /// <exception cref="ConflictException"><see cref="PutMode.CreateNew"/>, and the key is taken.</exception>
    /// <exception cref="StorageException">It was not stored.</exception>
    /// <exception cref="RefusedInputException">The file cannot be read, or the key is not a legal one.</exception>
    public async Task<long> PutAsync(string path, string key, PutMode mode, CancellationToken cancellation)
    {
        RequireLegal(key);
        try
        {
            var content = ObjectContent.FromFile(path);
            await store.PutAsync(key, content, mode, cancellation);
            return content.Length;
        }
        catch (ObjectExistsException e)
        {
            throw Taken(key, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException($"{path} cannot be read: {e.Message}", "check its name and who may read it", e);
        }
    }

    /// <summary>Says what <see cref="PutAsync"/> would meet, and does nothing.</summary>
    /// <inheritdoc cref="PutAsync"/>
    public async Task<long> TryOutAsync(string path, string key, PutMode mode, CancellationToken cancellation)
    {
        RequireLegal(key);
        return mode == PutMode.CreateNew && await store.ExistsAsync(key, cancellation) ? throw Taken(key, null) : new FileInfo(path).Length;
    }

    /// <summary>The files to put, with their keys: a file under its name, a directory with everything below it.</summary>
    /// <param name="prefix">Ends in <c>/</c>.</param>
    /// <param name="paths">Files and directories.</param>
    /// <exception cref="RefusedInputException">One of them is not there or cannot be read.</exception>
    public static IEnumerable<(string Path, string Key)> Below(string prefix, IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        foreach (var path in paths)
        {
            if (!Directory.Exists(path))
            {
                yield return (path, prefix + Path.GetFileName(path));
                continue;
            }

            foreach (var file in FilesBelow(path))
            {
                yield return (file, prefix + Path.GetRelativePath(path, file));
            }
        }
    }

    // Links are not followed: they may lead round in a circle. What cannot be read is an error, not left out.
    static string[] FilesBelow(string directory)
    {
        try
        {
            return Directory.GetFiles(
                directory, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException($"{directory} cannot be read: {e.Message}", "nothing was put; check who may read it", e);
        }
    }

    static void RequireLegal(string key)
    {
        try
        {
            ObjectKey.Validate(key);
        }
        catch (ArgumentException e)
        {
            throw new RefusedInputException(e.Message, "give the file a name that is a legal key", e);
        }
    }

    ConflictException Taken(string key, Exception? e) =>
        new($"repository \"{store.Name}\", object \"{key}\" exists already and was left as it is", "--replace puts the file in its place", e);
}
