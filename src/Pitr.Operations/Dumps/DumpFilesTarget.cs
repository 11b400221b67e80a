using System.Buffers;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Operations.Dumps.Redis;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Dumps;

/// <summary>Brings the streams of a dump back as files of a new directory, as their tools wrote them. Needs no server and no tool.</summary>
public sealed class DumpFilesTarget : IDumpTarget
{
    const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const string Unfinished = ".part";
    const int LongestName = 255;

    // '%' is escaped as well, so that no two streams get one file.
    static readonly SearchValues<char> Escaped = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(i => (char)i), (char)0x7F, '/', '%', '\\']);

    readonly List<string> _made = [];
    bool _isNewDirectory;

    /// <inheritdoc/>
    public Task<DumpRestorePlan> PlanAsync(DumpDocument entry, DumpManifest manifest, DumpSelection selection, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(selection);
        if (selection.Into is not null || selection.Tables.Count > 0 || selection.Schemas.Count > 0 || selection.Globals || selection.Drop || selection.NoOwner)
        {
            throw new RefusedInputException("a dump comes into a directory as it is: nothing of it is renamed or left out", "beside --to DIR only --database can be given");
        }

        if (selection.Directory is not { } directory)
        {
            throw new RefusedInputException("where shall the files go?", "--to DIR names a new directory; for a dump of Redis, start redis-server with --dir DIR there");
        }

        if (selection.Database is not null && manifest.Streams.All(s => s.Database is null))
        {
            throw new RefusedInputException($"backup {manifest.Id} is one file, of which nothing can be chosen", "leave --database out");
        }

        var streams = selection.Database is null ? manifest.Streams : DumpChoice.Databases(manifest, selection);
        if (File.Exists(directory) || (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any()))
        {
            throw new ConflictException($"{directory} is there and not empty; nothing was changed", "name a directory that is new or empty");
        }

        if (Path.GetDirectoryName(directory) is not { } parent || !Directory.Exists(parent))
        {
            throw new RefusedInputException($"there is no directory for {directory}", "make the directory above it first");
        }

        _isNewDirectory = !Directory.Exists(directory);
        return Task.FromResult(new DumpRestorePlan(
            entry, manifest, "pitr itself", directory, [.. streams.Select(s => new DumpRestoreStep(s, Path.Combine(directory, FileName(s.Name)), IsNew: true))]));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RestoreAsync(DumpRestoreStep step, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(copy);
        var directory = Path.GetDirectoryName(step.Into!)!;
        // Under another name until it is whole: a server that is started too early must not load half of it.
        var unfinished = step.Into + Unfinished;
        try
        {
            Directory.CreateDirectory(directory, PrivateDirectory);
            await using (var file = new FileStream(unfinished, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, UnixCreateMode = PrivateFile }))
            {
                _made.Add(unfinished);
                await copy(file);
                if (step.Stream.Format == RedisSource.Format)
                {
                    CutTransferMark(file);
                }

                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, step.Into!);
            _made.Add(step.Into!);
            LibC.SyncDirectory(directory);
            return [];
        }
        catch (Exception e)
        {
            RemoveMade(directory);
            if (e is IOException or UnauthorizedAccessException)
            {
                throw new RefusedInputException($"{step.Into} cannot be written, and what was there of the dump is gone again: {e.Message}", "make room, or name another directory", e);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The file name of a stream, whose own name nobody has vouched for: what cannot be in a name, or leads elsewhere, as %XX. Different streams get different names.</summary>
    /// <param name="stream">Name of the stream.</param>
    /// <exception cref="RefusedInputException">No file can have such a long name.</exception>
    public static string FileName(string stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var name = new StringBuilder();
        foreach (var character in stream)
        {
            // A leading dot would hide it, or mean a directory.
            if (Escaped.Contains(character) || (name.Length == 0 && character == '.'))
            {
                name.Append('%').Append(((int)character).ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
            else
            {
                name.Append(character);
            }
        }

        return name.Length > 0 && Encoding.UTF8.GetByteCount(name.ToString()) <= LongestName - Unfinished.Length
            ? name.ToString()
            : throw new RefusedInputException($"no file can be named as stream \"{stream}\" of this dump", "bring it back into a server");
    }

    // All of it: half of a dump in a directory would look like the dump.
    void RemoveMade(string directory)
    {
        _made.ForEach(File.Delete);
        _made.Clear();
        if (_isNewDirectory && Directory.Exists(directory) && !Directory.EnumerateFileSystemEntries(directory).Any())
        {
            Directory.Delete(directory);
        }
    }

    static void CutTransferMark(FileStream file)
    {
        var tail = new byte[Math.Min(RdbEnd.Length, file.Length)];
        file.Seek(-tail.Length, SeekOrigin.End);
        file.ReadExactly(tail);
        file.SetLength(file.Length - RdbEnd.TransferMark(tail));
    }
}
