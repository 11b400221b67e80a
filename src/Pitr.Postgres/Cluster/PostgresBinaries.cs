using System.Diagnostics;
using System.Globalization;

namespace Pitr.Postgres.Cluster;

/// <summary>Finds PostgreSQL's programs: the configured directory, then where Debian and the PostgreSQL RPMs put them, then PATH.</summary>
public static class PostgresBinaries
{
    /// <summary>
    /// Finds the programs of a major version. A directory counts when its <c>postgres</c>, or else <c>pg_basebackup</c>, says that version.
    /// </summary>
    /// <param name="configuredDirectory">Looked at first, and then alone: a wrong configuration is an error, not a reason to guess.</param>
    /// <exception cref="ServerException">Not found; the message lists where it was looked for.</exception>
    public static BinDirectory Find(int majorVersion, string? configuredDirectory = null)
    {
        if (configuredDirectory is not null)
        {
            var configured = Probe(configuredDirectory)
                ?? throw new ServerException(
                    $"no PostgreSQL programs in the configured directory {configuredDirectory}",
                    "it must be the directory with postgres, pg_basebackup, …");
            return configured.MajorVersion == majorVersion
                ? configured
                : throw new ServerException($"the configured directory {configuredDirectory} has PostgreSQL {configured.MajorVersion}, needed is {majorVersion}");
        }

        var looked = new List<string>();
        foreach (var directory in Candidates(majorVersion))
        {
            if (looked.Contains(directory))
            {
                continue;
            }

            looked.Add(directory);
            if (Probe(directory) is { } found && found.MajorVersion == majorVersion)
            {
                return found;
            }
        }

        throw new ServerException(
            $"no programs of PostgreSQL {majorVersion} found; looked in {string.Join(", ", looked)}",
            $"install PostgreSQL {majorVersion}, or configure the directory of its programs");
    }

    /// <summary>Finds the programs for an existing cluster by its <c>PG_VERSION</c>.</summary>
    /// <exception cref="ServerException">Not a data directory, or the programs are not found.</exception>
    public static BinDirectory FindForDataDirectory(string dataDirectory, string? configuredDirectory = null) =>
        Find(ReadMajorVersion(dataDirectory), configuredDirectory);

    /// <summary>
    /// Finds one client program of a major version: in the configured directory, or else where <see cref="Find"/> looks. Servers are installed
    /// without them, so they need not lie beside <c>postgres</c>.
    /// </summary>
    /// <returns>Its path.</returns>
    /// <exception cref="ServerException">Not found; the message lists where it was looked for.</exception>
    public static string FindClient(string program, int majorVersion, string? configuredDirectory = null)
    {
        var directories = Candidates(majorVersion).Prepend(configuredDirectory).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        return directories.Select(directory => Path.Combine(directory, program)).FirstOrDefault(path => File.Exists(path) && ReadProgramVersion(path) == majorVersion)
            ?? throw new ServerException(
                $"no {program} of PostgreSQL {majorVersion} found; looked in {string.Join(", ", directories)}",
                $"install the client programs of that version: postgresql-client-{majorVersion} on Debian and Ubuntu, postgresql{majorVersion} from PostgreSQL's RPMs");
    }

    /// <summary>
    /// Finds the programs to make and run a server that can take a dump of a major version: of that version, or else of the next later one there is.
    /// </summary>
    /// <param name="atLeast">The version that was dumped.</param>
    /// <param name="configuredDirectory">Looked at first.</param>
    /// <exception cref="ServerException">Not found; the message says which versions there are.</exception>
    public static BinDirectory FindServer(int atLeast, string? configuredDirectory = null)
    {
        string[] directories = [.. new[] { configuredDirectory }.OfType<string>().Concat(ServerDirectories()).Distinct(StringComparer.Ordinal)];
        BinDirectory[] found = [.. directories.Where(d => File.Exists(Path.Combine(d, "initdb")) && File.Exists(Path.Combine(d, "postgres"))).Select(Probe).OfType<BinDirectory>()];
        return found.Where(b => b.MajorVersion >= atLeast).OrderBy(b => b.MajorVersion).FirstOrDefault() ?? throw new ServerException(
            found.Length == 0
                ? $"no programs of a PostgreSQL server (initdb, postgres) found; looked in {string.Join(", ", directories)}"
                : $"the dump is of PostgreSQL {atLeast}, and this host has server programs of {string.Join(", ", found.Select(b => b.MajorVersion).Distinct().Order())} only, which are older",
            $"install postgresql-{atLeast} on Debian and Ubuntu, or postgresql{atLeast}-server from PostgreSQL's RPMs");
    }

    /// <summary>The major version in <c>PG_VERSION</c> of a data directory.</summary>
    /// <exception cref="ServerException">Missing, unreadable or not a number.</exception>
    public static int ReadMajorVersion(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, "PG_VERSION");
        string text;
        try
        {
            text = File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ServerException(
                $"cannot read {path}: {e.Message}",
                "is this the data directory of a PostgreSQL cluster, and may this user read it?",
                e);
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? version
            : throw new ServerException($"{path} says \"{text}\", which is not a supported version of PostgreSQL");
    }

    /// <summary>The programs in a directory, or null when there are none that start.</summary>
    public static BinDirectory? Probe(string directory)
    {
        foreach (var program in (string[])["postgres", "pg_basebackup", "psql"])
        {
            var path = Path.Combine(directory, program);
            if (File.Exists(path) && ReadProgramVersion(path) is { } version)
            {
                return new BinDirectory(Path.GetFullPath(directory), version);
            }
        }

        return null;
    }

    static IEnumerable<string> ServerDirectories()
    {
        foreach (var (parent, pattern) in ((string, string)[])[("/usr/lib/postgresql", "*"), ("/usr", "pgsql-*")])
        {
            var installed = Directory.Exists(parent) ? Directory.GetDirectories(parent, pattern) : [];
            foreach (var directory in installed.Order(StringComparer.Ordinal))
            {
                yield return Path.Combine(directory, "bin");
            }
        }

        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            yield return directory;
        }
    }

    static IEnumerable<string> Candidates(int majorVersion)
    {
        yield return $"/usr/lib/postgresql/{majorVersion}/bin";
        yield return $"/usr/pgsql-{majorVersion}/bin";
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            yield return directory;
        }
    }

    /// <summary>"postgres (PostgreSQL) 15.18 (Debian …)" → 15; null when the program does not start or says something else.</summary>
    static int? ReadProgramVersion(string path)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(path, "--version") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            const string marker = "(PostgreSQL) ";
            var start = text.IndexOf(marker, StringComparison.Ordinal);
            if (process.ExitCode != 0 || start < 0)
            {
                return null;
            }

            var digits = text.AsSpan(start + marker.Length);
            var end = digits.IndexOfAnyExceptInRange('0', '9');
            return int.TryParse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // Not executable here (permissions, other architecture): the search goes on and its error lists the directory.
            return null;
        }
    }
}
