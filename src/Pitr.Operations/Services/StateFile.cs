using System.Text;

namespace Pitr.Operations.Services;

/// <summary>Small files of the state directory: private to the owner, replaced atomically, durable when the call returns.</summary>
public static class StateFile
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    // errno of flock(2) when somebody else holds the lock; .NET hands it on as the HResult.
    const int Eagain = 11;
    const UnixFileMode PrivateDirectory = Private | UnixFileMode.UserExecute;

    /// <summary>Writes a file whole or not at all.</summary>
    /// <exception cref="IOException">The state directory cannot be written.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, PrivateDirectory);
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Private }))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // On a full disk it would be in the way of what makes room.
            File.Delete(temporary);
            throw;
        }

        LibC.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>
    /// Takes a lock between the processes of this host, freed by the kernel when the holder ends however it ends.
    /// </summary>
    /// <returns>The held lock, or null when another process holds it.</returns>
    public static FileStream? TryLock(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, PrivateDirectory);
        try
        {
            // FileShare.None is an advisory flock(2) on Linux.
            return new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = Private });
        }
        catch (IOException e) when (e.HResult == Eagain)
        {
            return null;
        }
    }

    /// <summary>A random id that stays the same as long as the state directory does.</summary>
    public static string ReadOrCreateId(string path)
    {
        if (!File.Exists(path))
        {
            Replace(path, Encoding.ASCII.GetBytes(Guid.NewGuid().ToString("N")));
        }

        return File.ReadAllText(path);
    }

    /// <summary>Takes the lock, waiting for it.</summary>
    public static async Task<FileStream> LockAsync(string path, TimeProvider clock, CancellationToken cancellation)
    {
        while (true)
        {
            if (TryLock(path) is { } held)
            {
                return held;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), clock, cancellation);
        }
    }
}
