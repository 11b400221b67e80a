using System.Runtime.CompilerServices;
using Pitr.Format;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>Brings objects of a repository into files. A file appears under its name only when all of it is there and authentic.</summary>
/// <param name="store">The repository.</param>
/// <param name="opener">Opens what is sealed; null hands over the stored bytes.</param>
public sealed class RepositoryDownload(IObjectStore store, ObjectOpener? opener)
{
    const int BlockSize = 256 << 10;

    /// <summary>Writes one object to a file, which it replaces.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="StorageException">It cannot be read.</exception>
    /// <exception cref="DamagedRepositoryException">It is damaged. There is no file, or still the old one.</exception>
    /// <exception cref="RefusedInputException">The file cannot be written, or the object cannot be opened by itself.</exception>
    public async Task<long> ToFileAsync(string key, string path, CancellationToken cancellation)
    {
        // Beside the destination, so that the rename is atomic.
        var temporary = $"{path}.pitr-{Environment.ProcessId}-{Guid.NewGuid():N}";
        var made = false;
        try
        {
            long length;
            await using (var file = Create(temporary, path))
            {
                made = true;
                length = await ToStreamAsync(key, file, cancellation);
            }

            Rename(temporary, path);
            made = false;
            return length;
        }
        finally
        {
            if (made)
            {
                File.Delete(temporary);
            }
        }
    }

    /// <summary>Writes one object to a stream. What arrives is authentic, but all of it only when this returns.</summary>
    /// <inheritdoc cref="ToFileAsync"/>
    public async Task<long> ToStreamAsync(string key, Stream destination, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(destination);
        await using var stored = await store.OpenReadAsync(key, range: null, cancellation);
        try
        {
            if (opener is not null)
            {
                return await opener.OpenAsync(key, stored, destination, cancellation);
            }

            var counting = new CountingWriter(destination);
            await stored.CopyToAsync(counting, BlockSize, cancellation);
            return counting.Written;
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"repository \"{store.Name}\", object \"{key}\" is damaged: {e.Message}",
                "another repository of the service may hold it whole; --raw hands over the stored bytes as they are",
                e);
        }
        catch (IOException e) when (e is not EndOfStreamException)
        {
            throw new RefusedInputException($"object \"{key}\" cannot be written to where it shall go: {e.Message}", "check space and owner of the directory", e);
        }
    }

    /// <summary>The objects below a prefix with the files they go to: their keys without the prefix, below a directory.</summary>
    /// <param name="prefix">Ends in <c>/</c>, or is empty for the whole repository.</param>
    /// <param name="directory">Made when needed, with the directories below it.</param>
    public async IAsyncEnumerable<(string Key, string Path)> BelowAsync(
        string prefix, string directory, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        var last = "";
        await foreach (var item in store.ListAsync(prefix, ListMode.Recursive, cancellation))
        {
            // A store that answers with keys no store may have must not lead out of the directory.
            ObjectKey.Validate(item.Key);
            var path = Path.Combine(directory, item.Key[prefix.Length..]);
            var parent = Path.GetDirectoryName(path)!;
            if (parent != last)
            {
                CreateDirectory(parent);
                last = parent;
            }

            yield return (item.Key, path);
        }
    }

    /// <summary>Makes the directory files shall go to.</summary>
    /// <exception cref="RefusedInputException">It cannot be made.</exception>
    public static void CreateDirectory(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(directory, e);
        }
    }

    static FileStream Create(string temporary, string path)
    {
        try
        {
            return new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, e);
        }
    }

    static void Rename(string temporary, string path)
    {
        try
        {
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, e);
        }
    }

    static RefusedInputException Unwritable(string path, Exception e) =>
        new($"{path} cannot be written: {e.Message}", "check space and owner of the directory, or name another with --to", e);
}
