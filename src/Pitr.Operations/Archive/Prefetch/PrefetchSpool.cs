using System.Globalization;
using Pitr.Operations.Services;
using Serilog;

namespace Pitr.Operations.Archive.Prefetch;

/// <summary>
/// The directory in which one process keeps segments that it has fetched ahead for a service: <c>prefetch/</c> in the service's state
/// directory, outside of any <c>pg_wal</c>, closed to other users. Nothing in it is ever believed by another process: what a killed one left is removed.
/// </summary>
public sealed class PrefetchSpool : IDisposable
{
    const string Name = "prefetch";
    const string Lock = "prefetch.lock";
    const string Owner = "owner.lock";
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    readonly FileStream _owner;
    int _sessions;

    PrefetchSpool(string path, FileStream owner) => (Path, _owner) = (path, owner);

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>Makes one for this process, and removes those of processes that are gone.</summary>
    /// <param name="stateDirectory">The service's.</param>
    /// <param name="clock">Source of time.</param>
    /// <param name="cancellation">Ends the waiting for another process that does the same.</param>
    /// <exception cref="IOException">The state directory cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static async Task<PrefetchSpool> CreateAsync(string stateDirectory, TimeProvider clock, CancellationToken cancellation)
    {
        await using var making = await StateFile.LockAsync(System.IO.Path.Combine(stateDirectory, Lock), clock, cancellation);
        SweepLocked(stateDirectory);
        var path = System.IO.Path.Combine(stateDirectory, Name, Guid.NewGuid().ToString("N"));
        // Each by itself: a mode holds for the last directory of a path only.
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!, Private);
        Directory.CreateDirectory(path, Private);
        return new PrefetchSpool(path, StateFile.TryLock(System.IO.Path.Combine(path, Owner)) ?? throw new IOException($"{path} is locked by somebody else"));
    }

    /// <summary>Removes what processes that are gone left behind for any service.</summary>
    /// <param name="stateDirectory">The configuration's; not a service's.</param>
    /// <param name="log">Told what cannot be removed; it is in nobody's way.</param>
    /// <returns>How many directories were removed.</returns>
    public static int Sweep(string stateDirectory, ILogger log)
    {
        try
        {
            return SweepServices(stateDirectory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warning("segments that a killed process had fetched ahead could not be removed: {Reason}", e.Message);
            return 0;
        }
    }

    static int SweepServices(string stateDirectory)
    {
        var services = System.IO.Path.Combine(stateDirectory, "services");
        var swept = 0;
        if (!Directory.Exists(services))
        {
            return swept;
        }

        foreach (var service in Directory.EnumerateDirectories(services).Where(s => Directory.Exists(System.IO.Path.Combine(s, Name))))
        {
            // Whoever holds it sweeps by itself.
            using var making = StateFile.TryLock(System.IO.Path.Combine(service, Lock));
            swept += making is null ? 0 : SweepLocked(service);
        }

        return swept;
    }

    /// <summary>A new directory for one recovery.</summary>
    public string ForRecovery()
    {
        var path = System.IO.Path.Combine(Path, Interlocked.Increment(ref _sessions).ToString(CultureInfo.InvariantCulture));
        return Directory.CreateDirectory(path, Private).FullName;
    }

    /// <summary>Removes it with everything in it.</summary>
    public void Dispose()
    {
        Delete(Path);
        _owner.Dispose();
    }

    static int SweepLocked(string stateDirectory)
    {
        var all = System.IO.Path.Combine(stateDirectory, Name);
        var swept = 0;
        foreach (var path in Directory.Exists(all) ? Directory.GetDirectories(all) : [])
        {
            using var dead = StateFile.TryLock(System.IO.Path.Combine(path, Owner));
            if (dead is not null)
            {
                Delete(path);
                swept++;
            }
        }

        return swept;
    }

    static void Delete(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody removed the state directory: it is gone, as it shall be.
        }
    }
}
