namespace Pitr.Operations.Services;

/// <summary>
/// Remembers which objects a repository lacks although they are acknowledged, because enough others hold them (<c>required: N</c>).
/// An empty file per object below <c>owed/REPOSITORY/</c> in the service's state directory, named like the object, so that
/// <c>find</c> shows the debts; durable before the write is acknowledged. Safe for use by several threads and processes.
/// </summary>
/// <param name="directory">The service's <c>owed</c> directory; made when the first debt arises.</param>
public sealed class DebtLedger(string directory)
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Where the ledger of a service lies.</summary>
    /// <param name="stateDirectory">The service's private files on this host.</param>
    public static string DirectoryBelow(string stateDirectory) => Path.Combine(stateDirectory, "owed");

    /// <summary>Writes down that a repository lacks an object; durable on return.</summary>
    /// <exception cref="IOException">The state directory cannot be written: nothing may be acknowledged then.</exception>
    public void Owe(string repository, string key)
    {
        var path = PathOf(repository, key);
        CreateDirectories(Path.GetDirectoryName(path)!);
        new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = Private, Share = FileShare.ReadWrite }).Dispose();
        LibC.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Strikes a debt, if there is one. Not made durable: paying twice does no harm.</summary>
    public void Settle(string repository, string key)
    {
        if (Directory.Exists(RootOf(repository)))
        {
            try
            {
                File.Delete(PathOf(repository, key));
            }
            catch (DirectoryNotFoundException)
            {
                // Nothing was ever owed there.
            }
        }
    }

    /// <summary>Whether a repository is owed this object.</summary>
    public bool IsOwed(string repository, string key) => File.Exists(PathOf(repository, key));

    /// <summary>Whether anything is owed to anybody, and so to whom.</summary>
    public IReadOnlyList<string> Creditors() => !Directory.Exists(directory)
        ? []
        : [.. Directory.EnumerateDirectories(directory).Select(d => Path.GetFileName(d)).Where(name => Owed(name).Any()).Order(StringComparer.Ordinal)];

    /// <summary>What a repository is owed, each with the moment it was written down; in no order.</summary>
    public IEnumerable<Debt> Owed(string repository)
    {
        var root = RootOf(repository);
        if (!Directory.Exists(root))
        {
            return [];
        }

        return new DirectoryInfo(root)
            .EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false })
            // Settled by somebody else in this moment.
            .Where(file => file.Exists)
            .Select(file => new Debt(Path.GetRelativePath(root, file.FullName), new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero)));
    }

    string RootOf(string repository) => Path.Combine(directory, repository);

    // Keys are valid object keys, so they have neither ".." nor a leading slash.
    string PathOf(string repository, string key) => Path.Combine(RootOf(repository), key);

    // Every new level is made durable, or the debt would be lost with the directory that holds it.
    static void CreateDirectories(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        var parent = Path.GetDirectoryName(path)!;
        CreateDirectories(parent);
        Directory.CreateDirectory(path, Private | UnixFileMode.UserExecute);
        LibC.SyncDirectory(parent);
    }
}
