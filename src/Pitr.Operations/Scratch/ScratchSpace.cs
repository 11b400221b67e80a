using System.Security.Cryptography;
using Pitr.Operations.Errors;
using Pitr.Operations.Files;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Operations.Scratch;

/// <summary>
/// Space for one recovery that is thrown away, or for the files of a dump on their way, one at a time for each purpose, service and host. Gone when the work ends; what work that was
/// killed left behind, its server included, is cleared away by the next one of the service, wherever it was, and said.
/// </summary>
sealed class ScratchSpace : IDisposable
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    readonly FileStream _lock;
    readonly string _root;
    readonly string _sockets;

    ScratchSpace(FileStream held, string root, string sockets)
    {
        _lock = held;
        _root = root;
        _sockets = sockets;
    }

    /// <summary>The directory that everything but the sockets is in.</summary>
    public string Root => _root;

    /// <summary>The data directory to be.</summary>
    public string Data => DataBelow(_root);

    /// <summary>Where its tablespaces go, each in a directory of its own.</summary>
    public string Tablespaces => Path.Combine(_root, "tablespaces");

    /// <summary>The server's log.</summary>
    public string Log => Path.Combine(_root, "server.log");

    /// <summary>Where the server's socket goes; short, because socket paths are limited. Made when it is asked for.</summary>
    public string Sockets => Directory.CreateDirectory(_sockets, Private).FullName;

    /// <summary>What scratch space is made for; each has its lock and directories.</summary>
    public static IReadOnlyList<string> Purposes { get; } = ["drill", "extract", Dump, DumpRestore];

    /// <summary>The purpose of a dump that a tool writes to files.</summary>
    public const string Dump = "dump";

    /// <summary>The purpose of a restore that a tool reads from files.</summary>
    public const string DumpRestore = "dump-restore";

    /// <summary>The file whose lock work of a purpose holds while it goes on.</summary>
    public static string LockFile(ScratchOwner service, string purpose) => Path.Combine(service.StateDirectory, $"{purpose}.lock");

    /// <summary>Where scratch space is made when nobody names another place.</summary>
    public static string DefaultRoot(ScratchOwner service, string purpose) => Path.Combine(service.StateDirectory, purpose);

    /// <summary>Makes fresh scratch space.</summary>
    /// <param name="service">The service that it is for.</param>
    /// <param name="purpose">One of <see cref="Purposes"/>.</param>
    /// <param name="parent">Existing directory to make it in; null: the service's state directory.</param>
    /// <exception cref="BusyException">Other work of this purpose and service goes on on this host.</exception>
    /// <exception cref="RefusedInputException">The directory is missing or cannot be written.</exception>
    public static ScratchSpace Create(ScratchOwner service, string purpose, string? parent = null)
    {
        RequireParent(parent);
        var held = StateFile.TryLock(LockFile(service, purpose)) ?? throw new BusyException(
            $"another {purpose} of service {service.Name} runs on this host", "wait for it to end");
        try
        {
            new LeftScratch(service, purpose).Clear(held);
            LeftScratch.ClearOthers(service, purpose);
            RecoverySocketDirectory.ClearLeft(service.Log);
            var root = parent is null
                ? DefaultRoot(service, purpose)
                : Path.Combine(Path.GetFullPath(parent), $"pitr-{purpose}-{service.Name}-{Guid.NewGuid():N}");
            var sockets = Path.Combine(Path.GetTempPath(), $"pitr-{purpose}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
            // Known before they are made: a kill in between leaves nothing that nobody knows of.
            LeftScratch.Record(held, [root, sockets]);
            Directory.CreateDirectory(root, Private);
            return new ScratchSpace(held, root, sockets);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held.Dispose();
            throw new RefusedInputException($"there is no scratch space for the {purpose}: {e.Message}", "check owner and space of the directory", e);
        }
    }

    /// <summary>Refuses a directory for scratch space that is not there.</summary>
    /// <exception cref="RefusedInputException">It is missing.</exception>
    public static void RequireParent(string? parent)
    {
        if (parent is not null && !Directory.Exists(parent))
        {
            throw new RefusedInputException($"there is no directory {parent} for scratch space", "make it first, owned by the user that runs this; is its file system mounted?");
        }
    }

    /// <summary>The data directory of a scratch space.</summary>
    public static string DataBelow(string root) => Path.Combine(root, "data");

    /// <summary>Whether what was restored stays when everything else is removed.</summary>
    public bool IsKept { get; set; }

    /// <summary>Removes everything, but for what is kept.</summary>
    public void Dispose()
    {
        if (!IsKept)
        {
            TreeRemoval.Remove(_root);
        }

        if (Directory.Exists(_sockets))
        {
            Directory.Delete(_sockets, recursive: true);
        }

        LeftScratch.Record(_lock, []);
        _lock.Dispose();
    }
}
