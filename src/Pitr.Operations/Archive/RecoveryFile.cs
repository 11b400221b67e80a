using System.Buffers;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Archive;

/// <summary>
/// The file that PostgreSQL reads an archived file from (%p, <c>pg_wal/RECOVERYXLOG</c>). It appears whole, in one step, or not at all.
/// </summary>
static class RecoveryFile
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const string Mark = ".pitr-";

    // A writer that has just made its file has not locked it yet; no writer takes this long.
    static readonly TimeSpan Abandoned = TimeSpan.FromMinutes(1);

    // A file keeps its label when it is renamed, and PostgreSQL's domain may not read what is labelled for another place (selinux(8)).
    static readonly bool LabelsMatter = File.Exists("/sys/fs/selinux/enforce");

    /// <summary>Writes it.</summary>
    /// <exception cref="RefusedInputException">The directory cannot be written.</exception>
    public static void Write(string destination, ReadOnlySpan<byte> content)
    {
        // Beside the destination, so that the rename is one step; the name is one PostgreSQL ignores. If this process is killed it stays
        // behind, unlocked: see Sweep.
        var temporary = $"{destination}{Mark}{Environment.ProcessId}-{Guid.NewGuid():N}";
        try
        {
            using var file = Create(temporary, content.Length, ModeFor(destination));
            RandomAccess.Write(file.SafeFileHandle, content, 0);
            // While it is open, and so locked.
            File.Move(temporary, destination, overwrite: true);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            if (File.Exists(temporary))
            {
                File.Delete(temporary);
            }

            throw Refused(destination, e);
        }
    }

    /// <summary>The mode of PostgreSQL's own files there: private, or readable for the group as well (<c>initdb --allow-group-access</c>).</summary>
    public static UnixFileMode ModeFor(string destination)
    {
        var directory = Path.GetDirectoryName(destination)!;
        return Directory.Exists(directory) ? Private | (File.GetUnixFileMode(directory) & UnixFileMode.GroupRead) : Private;
    }

    /// <summary>Makes a file, locked as long as it is open.</summary>
    /// <param name="path">Must not exist.</param>
    /// <param name="length">How long it gets, in bytes; reserved at once.</param>
    /// <param name="mode">Its mode, whatever the process's mask.</param>
    public static FileStream Create(string path, long length, UnixFileMode mode)
    {
        var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            PreallocationSize = length,
            BufferSize = 0,
            UnixCreateMode = Private,
        });
        if (mode != Private)
        {
            File.SetUnixFileMode(file.SafeFileHandle, mode);
        }

        return file;
    }

    /// <summary>Moves a prepared file there: by renaming where that is possible, else as <see cref="Write"/> does.</summary>
    /// <param name="prepared">A file of this process; gone afterwards.</param>
    /// <param name="destination">Where it goes.</param>
    /// <param name="memory">For copying it.</param>
    /// <exception cref="RefusedInputException">The directory cannot be written.</exception>
    /// <exception cref="FileNotFoundException">The prepared file is gone.</exception>
    /// <returns>Whether it was renamed.</returns>
    public static bool Place(string prepared, string destination, SegmentMemoryPool memory)
    {
        if (!File.Exists(prepared))
        {
            throw new FileNotFoundException("the prepared file is gone", prepared);
        }

        try
        {
            if (!LabelsMatter && LibC.TryRename(prepared, destination))
            {
                return true;
            }
        }
        catch (IOException e)
        {
            throw Refused(destination, e);
        }

        Copy(prepared, destination, memory);
        File.Delete(prepared);
        return false;
    }

    /// <summary>What <see cref="Place"/> does where files cannot be renamed.</summary>
    internal static void Copy(string prepared, string destination, SegmentMemoryPool memory)
    {
        using var file = File.OpenHandle(prepared);
        var length = (int)RandomAccess.GetLength(file);
        using IMemoryOwner<byte> buffer = new SegmentMemory(length, memory);
        var content = buffer.Memory.Span[..length];
        for (var read = 0; read < length;)
        {
            var more = RandomAccess.Read(file, content[read..], read);
            read += more > 0 ? more : throw new FileNotFoundException("the prepared file was cut short", prepared);
        }

        Write(destination, content);
    }

    /// <summary>
    /// Removes what killed processes left beside a destination. A file belongs to nobody when its lock is free and the process in
    /// its name is gone, or it is old: the name alone can be of a process that only another container sees.
    /// </summary>
    public static void Sweep(string destination, TimeProvider clock)
    {
        var directory = Path.GetDirectoryName(destination)!;
        if (!Directory.Exists(directory))
        {
            return;
        }

        try
        {
            foreach (var path in Directory.EnumerateFiles(directory, $"{Path.GetFileName(destination)}{Mark}*"))
            {
                if (IsAbandoned(path, clock))
                {
                    File.Delete(path);
                }
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            // In the way of nobody: the next sweep finds them.
        }
    }

    static bool IsAbandoned(string path, TimeProvider clock)
    {
        var name = Path.GetFileName(path);
        var process = name[(name.LastIndexOf(Mark, StringComparison.Ordinal) + Mark.Length)..].Split('-')[0];
        if (Directory.Exists($"/proc/{process}") && clock.GetUtcNow().UtcDateTime - File.GetLastWriteTimeUtc(path) < Abandoned)
        {
            return false;
        }

        try
        {
            using var free = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    static RefusedInputException Refused(string destination, Exception e) =>
        new($"{destination} cannot be written: {e.Message}", "check space and owner of the directory", e);
}
