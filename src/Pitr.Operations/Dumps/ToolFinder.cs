using Pitr.Postgres;

namespace Pitr.Operations.Dumps;

/// <summary>Finds a vendor's tool: in the configured directory alone, or else in PATH and where distributions put programs.</summary>
static class ToolFinder
{
    static readonly string[] UsualOfServers = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/bin", "/usr/local/bin"];
    static readonly string[] Usual = ["/usr/bin", "/usr/local/bin"];

    /// <summary>Finds a vendor's server: in the configured directory, in PATH, and where distributions put servers.</summary>
    /// <param name="names">The names it may have, the preferred one first.</param>
    /// <param name="directory">The configured directory, that of the client programs; null: none.</param>
    /// <param name="packages">Which packages have it, for the error.</param>
    /// <returns>Its path.</returns>
    /// <exception cref="ServerException">There is none.</exception>
    public static string FindServer(IReadOnlyList<string> names, string? directory, string packages)
    {
        string[] own = directory is null ? [] : [directory, Path.Combine(Path.GetDirectoryName(Path.GetFullPath(directory))!, "sbin")];
        return Find(names, [.. own, .. InPath(), .. UsualOfServers], packages, "a drill needs the server's own programs on this host");
    }

    /// <param name="names">The names it may have, the preferred one first.</param>
    /// <param name="directory">The configured directory; null to look in the usual places.</param>
    /// <param name="packages">Which packages have it, for the error.</param>
    /// <returns>Its path.</returns>
    /// <exception cref="ServerException">There is none.</exception>
    public static string Find(IReadOnlyList<string> names, string? directory, string packages)
    {
        return Find(names, directory is not null ? [directory] : [.. InPath(), .. Usual], packages, null);
    }

    static string[] InPath() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);

    static string Find(IReadOnlyList<string> names, IEnumerable<string> directories, string packages, string? why)
    {
        string[] looked = [.. directories.Distinct(StringComparer.Ordinal)];
        return names.SelectMany(name => looked.Select(d => Path.Combine(d, name))).FirstOrDefault(File.Exists)
            ?? throw new ServerException(
                $"no {string.Join(" or ", names)} found; looked in {string.Join(", ", looked)}{(why is null ? "" : $"; {why}")}", $"install {packages}, or name the directory with bin-directory");
    }
}
