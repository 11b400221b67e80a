using Pitr.Operations.Errors;
using Pitr.Postgres.Dumps;

namespace Pitr.Operations.Extract;

/// <summary>A dump in a file or a directory, readable by its owner only. It has its name when it is whole and durable, and not before.</summary>
/// <param name="path">Absolute.</param>
/// <param name="format">Its form; <see cref="DumpFormat.Directory"/> makes a directory.</param>
/// <param name="overwrite">Replaces an older dump of that name.</param>
/// <param name="clock">Source of time.</param>
public sealed class DumpFile(string path, DumpFormat format, bool overwrite, TimeProvider clock) : IDumpDestination
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // In every dump in directory format.
    const string TableOfContents = "toc.dat";

    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    bool IsDirectory => format == DumpFormat.Directory;

    // Fixed, so that what a killed run left goes with the next one.
    string Partial => path + ".pitr-partial";

    /// <inheritdoc/>
    public string Description => $"{(IsDirectory ? "directory" : "file")} {path}";

    /// <inheritdoc/>
    public IReadOnlyList<string> Programs => [];

    /// <inheritdoc/>
    public Task RequirePossibleAsync(DumpNames names, CancellationToken cancellation)
    {
        RequireFree();
        // That a file can be made there; not the one that another extract may be writing.
        var probe = $"{path}.pitr-{Guid.NewGuid():N}";
        Write(() => Create(probe).Dispose());
        File.Delete(probe);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task RequireFreeAsync(DumpSelection selection, CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task<long> TakeAsync(PgDumpOptions options, IReadOnlyDictionary<string, string> programs, Action<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(progress);
        Write(Clear);
        try
        {
            if (!IsDirectory)
            {
                // pg_dump keeps the mode of what is there.
                Write(() => Create(Partial).Dispose());
            }

            await using (var dump = PgDump.Start(options with { Format = format, File = Partial }))
            {
                var ended = dump.WaitAsync(cancellation);
                while (await Task.WhenAny(ended, Task.Delay(Look, clock, CancellationToken.None)) != ended)
                {
                    progress(Bytes());
                }

                await ended;
            }

            var bytes = Bytes();
            Write(Place);
            return bytes;
        }
        finally
        {
            Clear();
        }
    }

    void RequireFree()
    {
        var parent = Path.GetDirectoryName(path);
        if (parent is null || !Directory.Exists(parent))
        {
            throw new RefusedInputException($"there is no directory for {path}", "make it first, or name another place with --to");
        }

        if (!File.Exists(path) && !Directory.Exists(path))
        {
            return;
        }

        if (Directory.Exists(path) != IsDirectory)
        {
            throw new ConflictException($"{path} is {(IsDirectory ? "no directory" : "a directory")}", "name another place with --to; --format directory makes a directory");
        }

        if (!overwrite)
        {
            throw new ConflictException($"{path} exists already", "name another place with --to, or replace it with --overwrite");
        }

        if (IsDirectory && Directory.EnumerateFileSystemEntries(path).Any() && !File.Exists(Path.Combine(path, TableOfContents)))
        {
            throw new ConflictException($"{path} is no dump, and is not replaced by one", "name another place with --to");
        }
    }

    void Place()
    {
        if (!IsDirectory)
        {
            File.Move(Partial, path, overwrite);
        }
        else if (!Directory.Exists(path))
        {
            Directory.Move(Partial, path);
        }
        else
        {
            RequireFree();
            var old = path + ".pitr-old";
            Directory.Move(path, old);
            Directory.Move(Partial, path);
            Directory.Delete(old, recursive: true);
        }

        LibC.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    void Clear()
    {
        if (Directory.Exists(Partial))
        {
            Directory.Delete(Partial, recursive: true);
        }

        File.Delete(Partial);
    }

    long Bytes() => IsDirectory
        ? Directory.Exists(Partial) ? new DirectoryInfo(Partial).EnumerateFiles().Sum(file => file.Length) : 0
        : new FileInfo(Partial).Length;

    static FileStream Create(string file) =>
        new(file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private });

    void Write(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException($"{path} cannot be written: {e.Message}", "check space and owner of the directory, or name another place with --to", e);
        }
    }
}
