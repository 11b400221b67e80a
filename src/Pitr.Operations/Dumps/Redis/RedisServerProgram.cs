using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Redis;

/// <summary>Finds <c>redis-server</c> on this host.</summary>
static class RedisServerProgram
{
    const string Mark = "v=";

    /// <param name="directory">The configured directory; null: none.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Its path and version.</returns>
    /// <exception cref="ServerException">There is none, or it does not say which it is.</exception>
    public static async Task<(string Path, string Version)> FindAsync(string? directory, CancellationToken cancellation)
    {
        var program = ToolFinder.FindServer(["redis-server"], directory, "redis-server on Debian and Ubuntu");
        var (_, output, _) = await ToolRun.RunAsync(program, ["--version"], _ => { }, cancellation);
        // "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=…"
        return output.Split(' ').FirstOrDefault(word => word.StartsWith(Mark, StringComparison.Ordinal)) is { } version
            ? (program, version[Mark.Length..])
            : throw new ServerException($"{program} does not say which version it is: {output.Trim()}");
    }
}
