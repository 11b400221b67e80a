using Pitr.Postgres;

namespace Pitr.Operations.Dumps;

/// <summary>Finds a vendor's tool: in the configured directory alone, or else in PATH and where distributions put programs.</summary>
static class ToolFinder
{
    static readonly string[] Usual = ["/usr/bin", "/usr/local/bin"];

    /// <param name="names">The names it may have, the preferred one first.</param>
    /// <param name="directory">The configured directory; null to look in the usual places.</param>
    /// <param name="packages">Which packages have it, for the error.</param>
    /// <returns>Its path.</returns>
    /// <exception cref="ServerException">There is none.</exception>
    public static string Find(IReadOnlyList<string> names, string? directory, string packages)
    {
        var directories = directory is not null
            ? [directory]
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(Usual).Distinct(StringComparer.Ordinal).ToArray();
        return names.SelectMany(name => directories.Select(d => Path.Combine(d, name))).FirstOrDefault(File.Exists)
            ?? throw new ServerException($"no {string.Join(" or ", names)} found; looked in {string.Join(", ", directories)}", $"install {packages}, or name the directory with bin-directory");
    }
}
