using Pitr.Format.Catalog;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Dumps.Redis;

/// <summary>Brings the RDB file back into a new directory, from which a server is started.</summary>
public sealed class RedisTarget : IDumpTarget
{
    const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    bool _isNewDirectory;

    /// <inheritdoc/>
    public Task<DumpRestorePlan> PlanAsync(DumpDocument entry, DumpManifest manifest, DumpSelection selection, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(selection);
        if (selection.Database is not null || selection.Into is not null || selection.Tables.Count > 0 || selection.Schemas.Count > 0 || selection.Globals)
        {
            throw new RefusedInputException("a backup of Redis is one file, of which nothing can be chosen", "give --to DIR alone");
        }

        if (selection.Directory is not { } directory)
        {
            throw new RefusedInputException("where shall the file go?", "--to DIR names a new directory; start redis-server with --dir DIR there");
        }

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
            entry, manifest, "pitr itself", directory, [.. manifest.Streams.Select(s => new DumpRestoreStep(s, Path.Combine(directory, RedisSource.Stream), _isNewDirectory))]));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RestoreAsync(DumpRestoreStep step, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(copy);
        var directory = Path.GetDirectoryName(step.Into!)!;
        // Under another name until it is whole: a server that is started too early must not load half of it.
        var unfinished = step.Into + ".part";
        try
        {
            Directory.CreateDirectory(directory, PrivateDirectory);
            await using (var file = new FileStream(unfinished, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, UnixCreateMode = PrivateFile }))
            {
                await copy(file);
                CutTransferMark(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, step.Into!);
            LibC.SyncDirectory(directory);
            return [];
        }
        catch (Exception e)
        {
            File.Delete(unfinished);
            if (_isNewDirectory && Directory.Exists(directory))
            {
                Directory.Delete(directory);
            }

            if (e is IOException or UnauthorizedAccessException)
            {
                throw new RefusedInputException($"{step.Into} cannot be written, and what was there of it is gone again: {e.Message}", "make room, or name another directory", e);
            }

            throw;
        }
    }

    static void CutTransferMark(FileStream file)
    {
        var tail = new byte[Math.Min(RdbEnd.Length, file.Length)];
        file.Seek(-tail.Length, SeekOrigin.End);
        file.ReadExactly(tail);
        file.SetLength(file.Length - RdbEnd.TransferMark(tail));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
