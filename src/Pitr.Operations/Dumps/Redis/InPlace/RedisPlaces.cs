using System.Text;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Dumps.Redis.InPlace;

/// <summary>
/// Where a Redis server loads its data from when it starts: with the append-only file off from an RDB file, with it on from nothing else than the append-only file, of which Redis 7 has a
/// directory with a manifest, and Redis 6 one file (redis.io "Redis persistence"; Redis 7 src/aof.c).
/// </summary>
/// <param name="Directory">Absolute, links resolved.</param>
/// <param name="RdbName">Its <c>dbfilename</c>.</param>
/// <param name="AofDirectoryName">Its <c>appenddirname</c>.</param>
/// <param name="AofName">Its <c>appendfilename</c>.</param>
/// <param name="AppendOnly">Whether it loads the append-only file.</param>
/// <param name="HasManifest">Whether it keeps the append-only file as a directory with a manifest, as Redis 7 does.</param>
sealed record RedisPlaces(string Directory, string RdbName, string AofDirectoryName, string AofName, bool AppendOnly, bool HasManifest)
{
    const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Everything that a server may load, whichever it does: file or directory.</summary>
    public IReadOnlyList<string> Loaded => [Path.Combine(Directory, RdbName), Path.Combine(Directory, AofDirectoryName), Path.Combine(Directory, AofName)];

    /// <summary>The one of them that it will load.</summary>
    public string Place => Path.Combine(Directory, !AppendOnly ? RdbName : HasManifest ? AofDirectoryName : AofName);

    /// <summary>Reads them from what the server says of its configuration; what it does not say is as Redis has it by default.</summary>
    /// <param name="directory">Absolute.</param>
    /// <param name="configuration">CONFIG GET, by name.</param>
    /// <param name="hasManifest">Whether it is Redis 7 or later.</param>
    /// <exception cref="RefusedInputException">A name leads out of the directory.</exception>
    public static RedisPlaces Read(string directory, IReadOnlyDictionary<string, string> configuration, bool hasManifest)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var (rdb, aofDirectory, aof) = (Name("dbfilename", "dump.rdb"), Name("appenddirname", "appendonlydir"), Name("appendfilename", "appendonly.aof"));
        // A server that cannot be asked loads what it wrote.
        var appendOnly = configuration.TryGetValue("appendonly", out var word)
            ? word == "yes"
            : System.IO.Directory.Exists(Path.Combine(directory, aofDirectory)) || File.Exists(Path.Combine(directory, aof));
        return new RedisPlaces(directory, rdb, aofDirectory, aof, appendOnly, hasManifest);

        string Name(string setting, string otherwise)
        {
            var name = configuration.GetValueOrDefault(setting, otherwise);
            return name.Length > 0 && name is not ("." or "..") && Path.GetFileName(name) == name
                ? name
                : throw new RefusedInputException($"the server's {setting} is \"{name}\", which is no name of a file", "restore into a new directory with --to, and place the file yourself");
        }
    }

    /// <summary>Puts a file where the server loads it; nothing is there any more.</summary>
    /// <param name="file">An RDB file in <see cref="Directory"/> or below; it goes from there.</param>
    /// <exception cref="IOException">It cannot be placed.</exception>
    public void Put(string file)
    {
        if (AppendOnly && HasManifest)
        {
            // As a rewrite of the append-only file leaves it: a base in RDB format, to which the server adds what comes.
            System.IO.Directory.CreateDirectory(Place, PrivateDirectory);
            var name = $"{AofName}.1.base.rdb";
            File.Move(file, Path.Combine(Place, name));
            using (var manifest = new FileStream(
                Path.Combine(Place, $"{AofName}.manifest"),
                new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            {
                manifest.Write(Encoding.UTF8.GetBytes($"file {Quoted(name)} seq 1 type b\n"));
                manifest.Flush(flushToDisk: true);
            }

            LibC.SyncDirectory(Place);
        }
        else
        {
            File.Move(file, Place);
        }

        LibC.SyncDirectory(Directory);
    }

    // sdsneedsrepr of Redis: a name with blanks or quotes stands in quotes.
    static string Quoted(string name) =>
        name.Any(c => c is ' ' or '\\' or '"' or '\'') ? $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"" : name;
}
